"""The option `--supervise` of long-running commands."""

from typing import Annotated, NoReturn

import typer

Supervised = Annotated[
    bool,
    typer.Option(
        "--supervise",
        help="Run it as a child, and start it again, 1 to 5 s later, when it ends unexpectedly.",
    ),
]


def supervise(role: str) -> NoReturn:
    """Runs `loyalty <role>` as a child, and ends with the exit code of its last run."""
    import asyncio
    import sys

    from api.cli.processes import set_up_logging
    from api.cli.supervisor import Supervisor

    set_up_logging(f"{role} supervisor")

    async def run() -> int:
        command = (sys.executable, "-c", "from api.cli import main; main()", role)
        return await Supervisor(role, command).run()

    raise SystemExit(asyncio.run(run()))

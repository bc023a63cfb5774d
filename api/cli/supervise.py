"""The options `--supervise` and `--processes` of long-running commands."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from streams.settings import Settings

MAX_PROCESSES = 256

Supervised = Annotated[
    bool,
    typer.Option(
        "--supervise",
        help="Run it as a child, and start it again, 1 to 5 s later, when it ends unexpectedly.",
    ),
]
Processes = Annotated[
    int,
    typer.Option(
        "--processes",
        min=0,
        max=MAX_PROCESSES,
        help="How many to run. More than one are children, started again as with --supervise; "
        "0: one for each core, at most one for each partition. Each serves metrics on a port of its own.",
    ),
]


def supervise(role: str, processes: int = 1) -> NoReturn:
    """Runs `loyalty <role>` as a child, or as that many, and ends with the exit code of the last run. Raises
    Misconfigured."""
    import asyncio
    import os
    import sys

    from api.cli.processes import set_up_logging
    from api.cli.supervisor import Supervisor, run_together
    from streams.settings import load_settings

    set_up_logging(f"{role} supervisor")
    command = (sys.executable, "-c", "from api.cli import main; main()", role)
    if processes == 1:
        supervisors = [Supervisor(role, command)]
    else:
        own = child_environments(load_settings(), processes)
        supervisors = [
            Supervisor(f"{role} {number}", command, {**os.environ, **more}) for number, more in enumerate(own)
        ]

    raise SystemExit(asyncio.run(run_together(supervisors)))


def child_environments(settings: "Settings", processes: int) -> Iterator[Mapping[str, str]]:
    """What the environment of each child has of its own, so that all run beside each other: a name, where one
    is set, and a port for its metrics. Children without a name take the first that is free, as any process
    does, and so each has its own again after a restart."""
    import os

    from streams.settings import variable_name

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for number in range(processes or min(cores, settings.partitions)):
        more = {}
        if settings.instance:
            more[variable_name("instance")] = f"{settings.instance}-{number}"
        if len(settings.metrics_ports) == 1:
            # Of a range each child takes the first that is free.
            more[variable_name("metrics_port")] = str(settings.metrics_ports[0] + number)
        yield more

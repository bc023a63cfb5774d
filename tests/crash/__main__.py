"""`python -m tests.crash`: a run as long as wanted, and its report; exit code 1 on complaints."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from tests.crash.plan import Plan, plan
from tests.crash.run import Report, run


def main() -> int:
    arguments = _arguments()
    seed = random.randrange(1 << 32) if arguments.seed is None else arguments.seed  # noqa: S311
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"seed {seed}")
    folder = Path(tempfile.mkdtemp(prefix="loyalty-crash-"))
    report = _shown(plan(seed, arguments.kills, brokers=arguments.brokers), folder)
    console.print(str(report))
    console.print(f"disks and logs are in {folder}")
    return 1 if report.complaints else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="how many SIGKILLs at least")
    parser.add_argument("--seed", type=int, help="of an earlier run, to see it again")
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1, help="one, or three with replicas")
    return parser.parse_args()


def _shown(made: Plan, folder: Path) -> Report:
    columns = (BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns) as progress:
        bar = progress.add_task("starting", total=len(made.steps))

        def tell(line: str) -> None:
            progress.update(bar, description=line)
            if "/" in line.partition(" ")[0]:
                progress.advance(bar)

        return run(made, folder, tell)


if __name__ == "__main__":
    sys.exit(main())

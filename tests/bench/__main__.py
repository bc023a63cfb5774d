"""`python -m tests.bench`: how fast it is on this machine, beside what the machine could do at most."""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from streams.kafka.broker.jars import KAFKA
from streams.settings import Settings
from tests.bench.figures import Figure, table
from tests.bench.latency import latency
from tests.bench.load import QUICK, Sizes
from tests.bench.member import members
from tests.bench.place import broker, place
from tests.bench.throughput import throughput

STEPS = 11


def main() -> int:
    home = Settings().home
    options = _options(home)
    sizes = QUICK if options.quick else Sizes(options.members, options.transfers, options.seconds)
    console = Console(highlight=False, soft_wrap=True)
    with tempfile.TemporaryDirectory(prefix="loyalty-bench-") as folder:
        figures = _shown(console, Path(folder), home / "broker" / f"libs-{KAFKA}", sizes)
    console.print(table(figures))
    _write(options.json, sizes, figures)
    console.print(f"as JSON: {options.json}")
    return 0


def _options(home: Path) -> argparse.Namespace:
    usual, stamp = Sizes(), datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smallest sizes, only to see it run")
    parser.add_argument("--members", type=int, default=usual.members)
    parser.add_argument("--transfers", type=int, default=usual.transfers)
    parser.add_argument("--seconds", type=int, default=usual.seconds, help="of 100 commands/s, end to end")
    parser.add_argument("--json", type=Path, default=home / "bench" / f"{stamp}.json", help="file of figures")
    return parser.parse_args()


def _shown(console: Console, folder: Path, libraries: Path, sizes: Sizes) -> list[Figure]:
    columns = (BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("start a broker", total=STEPS)

        def say(step: str) -> None:
            progress.update(bar, description=step, advance=1)

        figures = measure(folder, libraries, sizes, say)
        progress.update(bar, description="done", completed=STEPS)
    return figures


def measure(folder: Path, libraries: Path, sizes: Sizes, say: Callable[[str], None]) -> list[Figure]:
    with broker(folder, libraries) as servers:
        return [
            *members(folder / "members", sizes.lots, sizes.transactions, say),
            *throughput(place(folder, servers, "throughput"), sizes, say),
            *latency(place(folder, servers, "latency"), place(folder, servers, "hops"), sizes.seconds, say),
        ]


def _write(file: Path, sizes: Sizes, figures: list[Figure]) -> None:
    report: dict[str, Any] = {
        "measured_at": datetime.now(UTC),
        "machine": {
            "cpus": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "sizes": sizes,
        "figures": [figure.as_json() for figure in figures],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")


if __name__ == "__main__":
    sys.exit(main())

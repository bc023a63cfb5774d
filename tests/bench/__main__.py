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

from streams.local_broker.jars import KAFKA_VERSION
from streams.settings import Settings
from tests.bench.burst import burst, telling
from tests.bench.due import Crowd, lots_on_disk
from tests.bench.figures import Figure, table
from tests.bench.latency import latency
from tests.bench.load import QUICK, Sizes
from tests.bench.member import members
from tests.bench.place import broker, place
from tests.bench.replay import replays
from tests.bench.rest import rest
from tests.bench.sink import sink_rates, sink_times
from tests.bench.throughput import plain_loop, throughput

STEPS = 30

FULL = Sizes(crowd=1_000_000, due=100_000)


def main() -> int:
    home = Settings().home
    options = _options(home)
    sizes = QUICK if options.quick else FULL if options.full else Sizes()
    console = Console(highlight=False, soft_wrap=True)
    with tempfile.TemporaryDirectory(prefix="loyalty-bench-") as folder:
        figures = _shown(console, Path(folder), home / "broker" / f"libs-{KAFKA_VERSION}", sizes)
    console.print(table(figures))
    _write(options.json, sizes, figures)
    console.print(f"as JSON: {options.json}")
    return 0


def _options(home: Path) -> argparse.Namespace:
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smallest sizes, only to see it run")
    parser.add_argument("--full", action="store_true", help="ten million lots on disk: half an hour, 4 GB")
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
    figures = [
        *members(folder / "members", sizes.lots, sizes.transactions, say),
        *lots_on_disk(folder / "crowd", Crowd(sizes.crowd), say),
    ]
    with broker(folder / "rates", libraries, elsewhere=True) as servers:
        handled, told = place(folder, servers, "throughput"), place(folder, servers, "told")
        floor = plain_loop(handled, sizes, say)
        figures += throughput(handled, sizes, floor, say)
        figures += telling(told, sizes.due, floor, say)
        figures += sink_rates(place(folder, servers, "sinks"), sizes.deliveries, say)
        figures += replays(place(folder, servers, "replays"), sizes.events, say)
    # Many small processes, which leave the processors idle: nobody is kept off one.
    with broker(folder / "times", libraries, elsewhere=False) as servers:
        crowded, calm = place(folder, servers, "burst"), place(folder, servers, "calm")
        figures.append(burst(crowded, calm, sizes.due, sizes.seconds, say))
        figures += latency(
            place(folder, servers, "latency"), place(folder, servers, "hops"), sizes.seconds, say
        )
        figures += sink_times(place(folder, servers, "sink-times"), sizes.seconds, say)
        doors = place(folder, servers, "rest"), place(folder, servers, "overload")
        figures += rest(*doors, sizes.subscriptions, max(2, sizes.seconds // 3), say)
    return figures


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

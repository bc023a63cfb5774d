"""`python -m tests.bench.check`: whether a record costs more CPU time than when the baseline was written.

CPU seconds differ from machine to machine, and so do those of one machine with others at work. Ratios hold
better: the bare runtime and the real loyalty stage against a transactional copy of the same records, and
against a loop written by hand, each the median of interleaved rounds. The margin is for the noise that is
left.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from streams.local_broker.jars import KAFKA_VERSION
from streams.settings import Settings
from tests.bench.load import Sizes, append, commands
from tests.bench.place import Place, broker, measured, place
from tests.bench.program import Role

BASELINE = Path(__file__).with_name("baseline.json")
MARGIN = 1.25
"""A ratio may be a quarter larger than the baseline's."""
ROLES: tuple[Role, ...] = ("copy", "hand", "bare", "loyalty")
SIZES = Sizes(members=2_000, transfers=16_000)
Ratios = dict[str, float]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.check", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds; the median counts")
    parser.add_argument("--write", action="store_true", help="make what is measured now the baseline")
    options = parser.parse_args()
    home, console = Settings().home, Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="loyalty-bench-") as folder:
        costs = _costs(Path(folder), home / "broker" / f"libs-{KAFKA_VERSION}", options.rounds, console)
    now = ratios(costs)
    if options.write:
        BASELINE.write_bytes(msgspec.json.format(msgspec.json.encode(now)) + b"\n")
    before = msgspec.json.decode(BASELINE.read_bytes(), type=Ratios)
    console.print(_table(now, before))
    return 1 if worse(now, before) else 0


def _costs(folder: Path, libraries: Path, rounds: int, console: Console) -> dict[Role, list[float]]:
    """Microseconds of CPU time a record, by what was measured, in each round."""
    costs: dict[Role, list[float]] = {role: [] for role in ROLES}
    with broker(folder / "rates", libraries, elsewhere=(os.cpu_count() or 1) > 1) as servers:
        for number in range(rounds):
            for role in ROLES:
                # Topics of its own: a changelog of before would be restored.
                cost = _cost(place(folder, servers, f"{role}-{number}"), role)
                console.print(f"round {number + 1}, {role}: {cost:.1f} µs of CPU time a record")
                costs[role].append(cost)
    return costs


def _cost(where: Place, role: Role) -> float:
    append(where.connection, commands(SIZES))
    run = measured(where.job(role, SIZES.preload, SIZES.preload + SIZES.transfers))
    return 1e6 / run.a_cpu_second


def ratios(costs: dict[Role, list[float]]) -> Ratios:
    """Each measured program against each limit, by "program / limit"."""
    middle = {role: statistics.median(each) for role, each in costs.items()}
    return {
        f"{role} / {limit}": round(middle[role] / middle[limit], 2)
        for role in ("bare", "loyalty")
        for limit in ("copy", "hand")
    }


def worse(now: Ratios, before: Ratios) -> list[str]:
    """The ratios that are beyond the margin."""
    return [name for name, ratio in now.items() if ratio > MARGIN * before[name]]


def _table(now: Ratios, before: Ratios) -> Table:
    shown = Table("CPU time a record", "baseline", "now", "at most", "")
    failed = worse(now, before)
    for name, ratio in now.items():
        at_most = MARGIN * before[name]
        shown.add_row(
            name, f"{before[name]:.2f}", f"{ratio:.2f}", f"{at_most:.2f}", "✗" if name in failed else "✓"
        )
    return shown


if __name__ == "__main__":
    sys.exit(main())

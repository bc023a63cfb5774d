"""A member with very many lots or transactions, beside one with few: neither must slow a command.

No broker: the loyalty stage over RocksDB, a turn and a commit for each command, so that each reads from disk.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path

from msgspec.structs import replace

from streams.domain.commands import Command
from streams.domain.store import StoreSettings
from streams.stages.context import StageContext, WallClock
from streams.stages.loyalty import LoyaltyStage
from streams.tables.tables import open_tables
from tests.bench.figures import Figure, Run, rate
from tests.driver import record
from tests.samples import NOON, SETTINGS, STORE, add, purchase, register, spend, uid

FEW = 10
SMALL, LARGE = uid(1), uid(2)
MEASURED, ROUNDS = 100, 5
Made = Callable[[str, int], Command]
"""A command of that member; the number makes it differ from the others."""

OLDEST_FIRST = replace(
    SETTINGS, wallets=tuple(replace(w, spending_order="oldest_created") for w in SETTINGS.wallets)
)


def members(folder: Path, lots: int, transactions: int, say: Callable[[str], None]) -> Iterator[Figure]:
    for name, settings in (("soonest first", SETTINGS), ("oldest first", OLDEST_FIRST)):
        say(f"member with {lots:,} lots, {name}")
        bench = Bench(folder / name, settings)
        bench.load(_lot, lots)
        few = f"with {FEW} lots"
        yield _figure(bench, f"spend with many lots, {name}", "spends/s", few, _some)
        yield _figure(bench, f"spend of a whole lot, {name}", "spends/s", few, _whole)
        bench.close()
    say(f"member with {transactions:,} transactions")
    bench = Bench(folder / "transactions", SETTINGS)
    bench.load(_purchase, transactions)
    few = f"after {FEW}"
    yield _figure(bench, "purchase after many", "purchases/s", few, _purchase)
    bench.close()


def _figure(bench: "Bench", name: str, unit: str, floor_is: str, made: Made) -> Figure:
    large, small = bench.measured(made)
    # Within three times.
    return rate(name, unit, large, small, floor_is, aim_ratio=0.33)


class Bench:
    """Two members of one partition: `SMALL` and `LARGE`."""

    def __init__(self, folder: Path, settings: StoreSettings) -> None:
        self.tables = open_tables(folder, LoyaltyStage.kinds)
        self._stage = LoyaltyStage({STORE: settings}, WallClock(), timedelta(hours=24))
        self._ids = count(1_000_000)
        self._numbers = count()

    def load(self, made: Made, large: int) -> None:
        self._play([register(SMALL), register(LARGE)])
        for member, size in ((SMALL, FEW), (LARGE, large)):
            for start in range(0, size, 1_000):
                self._play(
                    [made(member, next(self._numbers)) for _ in range(start, min(size, start + 1_000))]
                )

    def measured(self, made: Made) -> tuple[Run, Run]:
        """What the large and the small member's commands took: the best of some rounds, taken in turns, for
        others use the machine too."""
        runs: dict[str, list[Run]] = {LARGE: [], SMALL: []}
        for _ in range(ROUNDS):
            for member in (LARGE, SMALL):
                runs[member].append(self._round(member, made))
        large, small = (min(runs[member], key=lambda run: run.seconds) for member in (LARGE, SMALL))
        return large, small

    def _round(self, member: str, made: Made) -> Run:
        if made is _whole:
            # As many as are spent: the small member must not run out of lots, nor the large one grow small.
            self._play([_lot(member, next(self._numbers)) for _ in range(MEASURED)])
        commands = [made(member, next(self._numbers)) for _ in range(MEASURED)]
        begun, used = time.perf_counter(), time.process_time()
        for command in commands:
            self._play([command])
        return Run(MEASURED, time.perf_counter() - begun, time.process_time() - used)

    def _play(self, commands: Sequence[Command]) -> None:
        # Ids of its own: those of the samples end where another run's begin.
        told = [record(replace(c, command_id=uid(next(self._ids))), n) for n, c in enumerate(commands)]
        turn = StageContext(0, self.tables, NOON)
        while told:
            told = told[self._stage.play(turn, told, 10_000) :]
        assert all(output.topic.name not in ("rejections", "poison") for output in turn.outputs)
        self.tables.commit(list(self.tables.changelog()), {})

    def close(self) -> None:
        self.tables.close()


def _lot(member: str, number: int) -> Command:
    return add("1", member, NOON, expires_in_days=100 + number % 10_000)


def _some(member: str, _: int) -> Command:
    return spend("0.001", member)


def _whole(member: str, _: int) -> Command:
    return spend("1", member)


def _purchase(member: str, number: int) -> Command:
    return replace(purchase("1", f"D-{number}", member), purchased_at=NOON)

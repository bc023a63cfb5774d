"""Very many lots on disk: what it takes to find that nothing is due, and to plan all anew beside commands.

The state is written as a worker would have left it, without the commands that would lead to it.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count, islice
from pathlib import Path
from statistics import median
from uuid import UUID

import msgspec
from msgspec.structs import replace

from streams.domain import ledger
from streams.domain.state import Account, Entry, Lot, Member, Plan, Transfer
from streams.domain.store import StoreSettings
from streams.domain.timer_rules import PLANNED_KINDS, timer_rules_digest
from streams.domain.values import Profile
from streams.stages.commands import owner_of
from streams.stages.context import StageContext, WallClock
from streams.stages.loyalty import LoyaltyStage
from streams.stages.timer_replanning import NO_OWNER
from streams.tables.checkpoints import FAMILY as CHECKPOINTS
from streams.tables.due import FAMILY, due_key
from streams.tables.owner_entries import OWNER_END
from streams.tables.store import RocksStore, Write
from streams.tables.tables import open_tables, table_families
from tests.bench import load
from tests.bench.figures import Figure, Run, rate
from tests.driver import record
from tests.samples import SETTINGS, STORE

LOTS_EACH = 10
SLICE = 50_000
YEARS = 3
TOLD_BEFORE = 30
TOLD = replace(SETTINGS, units_expiring_days=(TOLD_BEFORE,))
TICKS = 200
COMMANDS_A_TURN = 1_000
TURNS = 20
_ENCODE = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Crowd:
    """`due` of the `members` have all their lots in the lead time, the others none."""

    members: int
    due: int = 0


def fill(folder: Path, crowd: Crowd, seed: int) -> None:
    """The state of that many members with ten lots each, as one partition's."""
    store, now = RocksStore(folder, table_families(LoyaltyStage.kinds)), datetime.now(UTC)
    chance = random.Random(seed)  # noqa: S311 - a load, not a secret
    writes = (write for number in range(crowd.members) for write in _member(chance, number < crowd.due, now))
    while slice_ := list(islice(writes, SLICE)):
        store.write(slice_)
    for kind in PLANNED_KINDS:
        plan = Plan(store=STORE, of=kind.table, rules=timer_rules_digest(TOLD, kind))
        store.write(_write(NO_OWNER.encode() + OWNER_END, plan))
    store.write([(CHECKPOINTS, FAMILY.encode(), (1).to_bytes(8, "big"))])
    store.close()


def _member(chance: random.Random, due: bool, now: datetime) -> Iterator[Write]:
    member = str(UUID(int=chance.getrandbits(128), version=4))
    owner = owner_of(STORE, member).encode() + OWNER_END
    profile = Profile(first_name="Anna", last_name=f"Nowak {chance.randrange(1000)}")
    yield from _write(owner, Member(profile=profile, registered_at=now, command_id=member))
    yield from _write(owner, Account(wallet="default", available=Decimal(100), earned=Decimal(100)))
    for _ in range(LOTS_EACH):
        lot = _lot(chance, due, now)
        yield from _write(owner, lot)
        yield from _write(owner, Transfer(wallet="default", place=lot.draw(lot.units)))


def _lot(chance: random.Random, due: bool, now: datetime) -> Lot:
    days = chance.randrange(2, TOLD_BEFORE - 1) if due else chance.randrange(TOLD_BEFORE + 2, YEARS * 365)
    return ledger.schedule_lot(
        Lot(
            wallet="default",
            lot_id=str(UUID(int=chance.getrandbits(128), version=4)),
            units=Decimal(10),
            remaining=Decimal(10),
            earned_at=now - timedelta(days=chance.randrange(40, 300), seconds=chance.randrange(86_400)),
            expires_at=TOLD.calendar.end_of_day(now, days),
        ),
        TOLD,
    )


def _write(owner: bytes, entry: Entry) -> Iterator[Write]:
    key = owner + entry.letter + entry.key()
    yield entry.table, key, _ENCODE(entry)
    if entry.due is not None:
        yield FAMILY, due_key(entry, entry.due, key), b""


def lots_on_disk(folder: Path, crowd: Crowd, say: Callable[[str], None]) -> Iterator[Figure]:
    say(f"{crowd.members:,} members with {LOTS_EACH} lots each")
    fill(folder / "many", crowd, seed=1)
    lots = crowd.members * LOTS_EACH
    size = sum(file.stat().st_size for file in (folder / "many").rglob("*") if file.is_file())
    # Of a lot and its member's tenth: two ids, three instants, two amounts.
    yield Figure("a lot on disk", size / lots, "B", 2 * 16 + 3 * 8 + 2 * 8, "its values alone", 150.0)
    bench, empty = Bench(folder / "many"), Bench(folder / "none")
    yield Figure("nothing due", bench.tick(), "ms", empty.tick(), "with no lots", 5.0)
    empty.close()
    say("commands while all is planned anew")
    quiet = bench.commands()
    bench.settings[STORE] = replace(TOLD, units_expiring_days=(TOLD_BEFORE - 1,))
    planning = bench.commands()
    yield rate("commands, planning anew", "commands/s", planning, quiet, "planning nothing", aim_ratio=0.7)
    bench.close()


class Bench:
    """One partition on disk, played without a log."""

    def __init__(self, folder: Path) -> None:
        self.tables = open_tables(folder, LoyaltyStage.kinds)
        self.settings: dict[str, StoreSettings] = {STORE: TOLD}
        self._stage = LoyaltyStage(self.settings, WallClock(), timedelta(hours=24))
        self._ids = count(1)
        self._turn(1)

    def tick(self) -> float:
        """Milliseconds to see that nothing is due, each time after a commit."""
        took = []
        for _ in range(TICKS):
            self._turn(1)
            begun = time.perf_counter()
            due = self._stage.wants(0, self.tables)
            took.append(1_000 * (time.perf_counter() - begun))
            assert not due
        return median(took)

    def commands(self) -> Run:
        begun, used = time.perf_counter(), time.process_time()
        for _ in range(TURNS):
            self._turn(COMMANDS_A_TURN)
        return Run(TURNS * COMMANDS_A_TURN, time.perf_counter() - begun, time.process_time() - used)

    def _turn(self, commands: int) -> None:
        now = datetime.now(UTC)
        made = (load.register(next(self._ids), now) for _ in range(commands))
        records = [record(command, number) for number, command in enumerate(made)]
        self._stage.play(StageContext(0, self.tables, now), records, max(1, commands))
        self.tables.commit(list(self.tables.changelog()), {})

    def close(self) -> None:
        self.tables.close()

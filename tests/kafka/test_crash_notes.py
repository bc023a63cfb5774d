"""A record that ends the process again and again is put aside; the machine's trouble is no record's fault."""

import asyncio
from collections import UserDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from streams.domain.commands import AdvanceClock, MemberCommand
from streams.domain.store import StoreSettings
from streams.errors import Retryable, StoreFailed
from streams.rejections import PoisonRecord
from streams.runtime.batch import Batch, PartitionShare
from streams.runtime.partitions import Partition
from streams.runtime.poison_suspects import PoisonSuspects
from streams.stages.context import Clock, Output, Record, StageContext, StreamClock, WallClock
from streams.stages.loyalty import LoyaltyStage
from streams.tables.store import MemoryStore
from streams.tables.tables import Tables, table_families
from streams.topics import EVENTS, POISON
from tests.driver import record
from tests.samples import ANNA, BORIS, NOON, SETTINGS, add, register, uid

BROKEN = "BROKEN"
BUG = ZeroDivisionError("the bug")


class _Stores(UserDict[str, StoreSettings]):
    """All have the same settings. Looking up one raises `fault`."""

    def __init__(self, fault: Exception | None) -> None:
        super().__init__()
        self._fault = fault

    def __getitem__(self, code: str) -> StoreSettings:
        if code == BROKEN and self._fault:
            raise self._fault
        return replace(SETTINGS, store=code)


@dataclass
class Lives:
    """One partition with its disk, through the lives of a process. Looking up one store raises `fault`."""

    folder: Path
    limit: int = 3
    fault: Exception | None = field(default_factory=lambda: BUG)
    clock: type[Clock] = WallClock
    log: list[Record] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    committed: int = 0
    now: datetime = NOON

    def __post_init__(self) -> None:
        self.tables = Tables(MemoryStore(table_families(LoyaltyStage.kinds)), LoyaltyStage.kinds)
        self.tables.index()

    @property
    def note(self) -> Path:
        return self.folder / "crash-0.json"

    def arrive(self, *commands: MemberCommand | AdvanceClock) -> None:
        for command in commands:
            self.log.append(record(command, len(self.log)))

    def live(self) -> Exception | None:
        """Until all is handled, or the process dies of what is returned."""
        partition = Partition(0, self.tables, PoisonSuspects(self.note, self.limit), self.committed)
        partition.waiting.extend(self.log[self.committed :])
        stage = LoyaltyStage(_Stores(self.fault), self.clock(), timedelta(hours=24))
        while partition.waiting:
            share = PartitionShare(StageContext(0, self.tables, self.now), *partition.offered(100))
            handled = asyncio.run(played(stage, share))
            if isinstance(handled, Exception):
                self.tables.abort()
                if share.turn.record:
                    partition.blame.count(share.turn.record, handled)
                return handled
            self.tables.commit(list(self.tables.changelog()), {})
            self.outputs += share.turn.outputs
            self.committed += handled
            partition.handled(handled, self.committed)
        return None

    def owners(self) -> list[str]:
        return [output.key for output in self.outputs if output.topic is EVENTS]

    def poison(self) -> list[PoisonRecord]:
        return [o.value for o in self.outputs if o.topic is POISON and isinstance(o.value, PoisonRecord)]


async def played(stage: LoyaltyStage, share: PartitionShare) -> int | Exception:
    batch = Batch([share], 100, asyncio.get_running_loop().create_future())
    batch.play(stage)
    try:
        (handled,) = await batch.done
    except Exception as failure:  # noqa: BLE001 - the process dies of it
        return failure
    return handled


def broken(member: str) -> MemberCommand:
    return replace(register(member), store=BROKEN)


def test_after_three_lives_the_record_is_put_aside_and_its_neighbours_are_handled(tmp_path: Path) -> None:
    lives = Lives(tmp_path)
    lives.arrive(register(ANNA), broken(BORIS), register(uid(3)))

    deaths = [lives.live() for _ in range(4)]

    assert deaths == [BUG, BUG, BUG, None]
    (poison,) = lives.poison()
    assert (poison.topic, poison.partition, poison.offset) == ("commands", 0, 1)
    assert poison.value == lives.log[1].value
    assert poison.cause.startswith("ended the process 3 times: ZeroDivisionError: the bug\n")
    assert poison.cause.endswith(", in __getitem__\n    raise self._fault\n")
    assert lives.owners() == [f"DEFAULT/{ANNA}", f"DEFAULT/{uid(3)}"]
    assert not lives.note.exists()


def test_each_of_two_bad_records_has_its_own_tries(tmp_path: Path) -> None:
    lives = Lives(tmp_path, limit=2)
    lives.arrive(broken(ANNA), broken(BORIS))

    deaths = [lives.live() for _ in range(5)]

    assert deaths == [BUG, BUG, BUG, BUG, None]
    assert [p.offset for p in lives.poison()] == [0, 1]


def test_a_record_that_a_fixed_program_handles_is_forgiven(tmp_path: Path) -> None:
    lives = Lives(tmp_path)
    lives.arrive(register(ANNA), broken(BORIS))
    assert [lives.live(), lives.live()] == [BUG, BUG]

    lives.fault = None

    assert lives.live() is None
    assert lives.poison() == []
    assert not lives.note.exists()


def test_a_limit_of_zero_puts_nothing_aside(tmp_path: Path) -> None:
    lives = Lives(tmp_path, limit=0)
    lives.arrive(broken(ANNA))

    assert [lives.live() for _ in range(5)] == [BUG] * 5
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "trouble", [MemoryError(), OSError(28, "No space left"), StoreFailed("IO error: disk"), Retryable("away")]
)
def test_the_machine_s_trouble_is_no_record_s_fault(tmp_path: Path, trouble: Exception) -> None:
    lives = Lives(tmp_path, fault=trouble)
    lives.arrive(broken(ANNA))

    assert [lives.live() for _ in range(5)] == [trouble] * 5
    assert lives.poison() == []


def test_a_bare_exception_of_a_stage_is_no_error_of_the_disk(tmp_path: Path) -> None:
    bare = Exception("the bug")
    lives = Lives(tmp_path, fault=bare)
    lives.arrive(broken(ANNA))

    assert [lives.live() for _ in range(4)] == [bare, bare, bare, None]
    assert len(lives.poison()) == 1


@pytest.mark.parametrize("clock", [WallClock, StreamClock])
def test_a_timer_that_fails_is_no_record_s_fault(tmp_path: Path, clock: type[Clock]) -> None:
    lives = Lives(tmp_path, fault=None, clock=clock)
    lives.arrive(broken(ANNA), replace(add("5", ANNA, NOON, expires_in_days=9), store=BROKEN))
    assert lives.live() is None

    lives.fault, lives.now = BUG, NOON + timedelta(days=30)
    lives.arrive(register(BORIS, lives.now))
    assert [lives.live() for _ in range(5)] == [BUG] * 5
    assert lives.poison() == []


def torn(note: Path) -> None:
    note.write_bytes(note.read_bytes()[:20])


def half_written_beside(note: Path) -> None:
    note.with_suffix(".new").write_bytes(note.read_bytes()[:20])


def test_a_note_being_written_when_the_process_was_killed_leaves_the_one_before(tmp_path: Path) -> None:
    lives = Lives(tmp_path)
    lives.arrive(broken(ANNA))
    assert [lives.live(), lives.live()] == [BUG, BUG]

    half_written_beside(lives.note)

    assert [lives.live(), lives.live()] == [BUG, None]


def test_a_note_that_cannot_be_read_is_begun_anew(tmp_path: Path) -> None:
    lives = Lives(tmp_path)
    lives.arrive(broken(ANNA))
    assert [lives.live(), lives.live()] == [BUG, BUG]

    torn(lives.note)

    assert [lives.live() for _ in range(4)] == [BUG, BUG, BUG, None]


def test_another_record_at_the_same_offset_is_not_blamed(tmp_path: Path) -> None:
    lives = Lives(tmp_path)
    lives.arrive(broken(ANNA))
    assert [lives.live() for _ in range(3)] == [BUG] * 3

    lives.log = [record(register(BORIS), 0)]

    assert lives.live() is None
    assert lives.poison() == []
    assert lives.owners() == [f"DEFAULT/{BORIS}"]

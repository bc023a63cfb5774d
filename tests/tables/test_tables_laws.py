"""Tables against a plain dict, under whatever happens: batches, aborts, reopening, restoring."""

import shutil
import tempfile
from pathlib import Path
from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streams.domain.state import Drop
from streams.tables.due import FAMILY as DUE
from streams.tables.store import MemoryStore
from streams.tables.tables import Tables, table_families
from tests.tables.entries import KINDS, Alarm, day
from tests.tables.stores import SIDES

OWNERS = st.sampled_from(["", "ann", "anna", "boris"])
# Zero bytes and 0xff are where ordering and the ends of keys go wrong.
KEYS = st.binary(max_size=2).map(lambda key: key.replace(b"\x01", b"\x00"))
DAYS = st.none() | st.integers(0, 5)
Model = dict[tuple[str, bytes], int | None]


class TablesMachine(RuleBasedStateMachine):
    side: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.opened = SIDES[self.side](self.folder)
        self.open()
        self.tables.index()
        self.model: Model = {}
        self.committed: Model = {}
        self.stream: list[tuple[bytes, bytes | None]] = []
        self.checkpoint = 0

    def open(self) -> None:
        self.store = self.opened(table_families(KINDS))
        self.tables = Tables(self.store, KINDS)

    @rule(owner=OWNERS, key=KEYS, at=DAYS)
    def put(self, owner: str, key: bytes, at: int | None) -> None:
        self.tables.of(owner).apply(Alarm(name=key, rings_at=None if at is None else day(at)))
        self.model[owner, key] = at

    @rule(owner=OWNERS, key=KEYS)
    def drop(self, owner: str, key: bytes) -> None:
        self.tables.of(owner).apply(Drop(entry=Alarm(name=key)))
        self.model.pop((owner, key), None)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def drop_one_that_is_there(self, data: st.DataObject) -> None:
        self.drop(*data.draw(st.sampled_from(sorted(self.model))))

    @rule(owner=OWNERS, key=KEYS)
    def get(self, owner: str, key: bytes) -> None:
        found = self.tables.of(owner).get(Alarm, key)

        assert (found is not None) == ((owner, key) in self.model)

    @rule(owner=OWNERS, prefix=KEYS)
    def scan(self, owner: str, prefix: bytes) -> None:
        found = [alarm.name for alarm in self.tables.of(owner).scan(Alarm, prefix)]

        assert found == sorted(k for o, k in self.model if o == owner and k.startswith(prefix))

    @rule(at=st.integers(0, 5))
    def ring(self, at: int) -> None:
        """All that is due, first things first; silenced alarms stay."""
        due = sorted((d, o.encode() + b"\x00a" + k, o, k) for (o, k), d in self._due() if d <= at)
        for _, _, owner, key in due:
            found = self.tables.first_due(day(at))
            assert found is not None
            assert (found[0], found[1].key()) == (owner, key)
            self.put(owner, key, None)
        assert self.tables.first_due(day(at)) is None

    def _due(self) -> list[tuple[tuple[str, bytes], int]]:
        return [(place, at) for place, at in self.model.items() if at is not None]

    @rule()
    def commit(self) -> None:
        changes = list(self.tables.changelog())
        self.stream += [(key, value) for _, key, value in changes]
        self.checkpoint += 1
        self.tables.commit(changes, {"alarms": self.checkpoint})
        self.committed = dict(self.model)
        assert list(self.tables.due_keys(b"", day(9))) == self.index()

    def index(self) -> list[bytes]:
        return [key for key, _ in self.store.scan(DUE, b"")]

    @rule()
    def abort(self) -> None:
        self.tables.abort()
        self.model = dict(self.committed)

    @rule()
    def reopen(self) -> None:
        """The process was killed: its batch is gone, its disk is there."""
        self.tables.close()
        self.open()
        self.model = dict(self.committed)

    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        """A wiped disk, in two goes: to some point, indexed, then the tail."""
        self.abort()
        cut = data.draw(st.integers(0, len(self.stream)))
        self.tables.clear()
        self.tables.restore("alarms", self.stream[:cut], 1)
        self.tables.index()
        self.tables.restore("alarms", self.stream[cut:], self.checkpoint)

    @rule()
    def index_again(self) -> None:
        self.abort()
        self.tables.index()

    @invariant()
    def the_disk_holds_what_was_committed_and_the_index_of_it(self) -> None:
        assert [(owner, key[1:]) for _, owner, key, _ in self.tables.entries()] == sorted(self.committed)
        rebuilt = Tables(MemoryStore(table_families(KINDS)), KINDS)
        rebuilt.restore("alarms", self.stream, self.checkpoint)
        rebuilt.index()
        assert self.index() == list(rebuilt.due_keys(b"", day(9)))
        assert self.tables.checkpoint("alarms") == self.checkpoint

    def teardown(self) -> None:
        self.tables.close()
        shutil.rmtree(self.folder)


class OverMemory(TablesMachine):
    side = "memory"


class OverRocks(TablesMachine):
    side = "rocks"


TestTablesOverMemory = OverMemory.TestCase
TestTablesOverRocks = OverRocks.TestCase
# Each example opens databases: fewer of them.
TestTablesOverRocks.settings = settings(
    max_examples=max(8, (settings.default or settings()).max_examples // 5)
)

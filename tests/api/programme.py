"""The programme behind the API in memory: the real stages, and a replica of their tables."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from streams.domain.commands import Command
from streams.domain.preview import AnnouncementPreview
from streams.domain.state import Entry, Handled, State
from streams.domain.store import StoreSettings
from streams.errors import Retryable
from streams.projections.member_replica import KINDS_BY_ID, REPLICA_KINDS
from streams.projections.state_snapshot import visit_tables
from streams.stages.command_dedup import FINGERPRINT_HEADER
from streams.stages.context import Record
from streams.stages.member_replay import TooManyFacts
from streams.tables.replica import MemberReplica, Records
from streams.tables.store import MemoryStore, Write
from streams.tables.tables import Tables
from streams.topics import COMMANDS, EVENTS
from tests.driver import Pipeline, record


class Programme(Pipeline):
    """One partition of everything. Commands are handled as they are appended, unless it is told to sleep."""

    def __init__(self, *settings: StoreSettings, now: datetime) -> None:
        self._start = settings, now
        self.restart()

    def restart(self) -> None:
        """As it was at first."""
        settings, now = self._start
        super().__init__(*settings, now=now)
        self.replica = MemberReplica(
            MemoryStore(MemberReplica.families(REPLICA_KINDS)), REPLICA_KINDS, KINDS_BY_ID, self._told
        )
        self.heard: Callable[[str, bytes], None] = lambda *_: None
        self.asleep = False
        self.away = False
        self.slept: list[tuple[Command, str]] = []
        self.facts_allowed = 1000

    async def append(self, command: Command, fingerprint: str) -> None:
        if self.away:
            raise Retryable("commands: not written")
        if self.asleep:
            self.slept.append((command, fingerprint))
        else:
            self._take(command, fingerprint)

    def wake(self) -> None:
        self.asleep = False
        for command, fingerprint in self.slept:
            self._take(command, fingerprint)
        self.slept.clear()

    def _take(self, command: Command, fingerprint: str) -> None:
        came = record(command, len(self.log[COMMANDS.name]))
        self.arrive(came._replace(headers={**came.headers, FINGERPRINT_HEADER: fingerprint.encode()}))

    def _commit(self, tables: Tables, changes: Sequence[Write]) -> None:
        super()._commit(tables, changes)
        for table in tables.names:
            self.replica.restore(table, [(key, value) for name, key, value in changes if name == table], 0)

    def _told(self, table: str, records: Records, offset: int) -> None:  # noqa: ARG002
        for key, value in records:
            owner, _, rest = key.partition(b"\x00")
            if table == Handled.table and value is not None and rest.startswith(Handled.letter):
                self.heard(owner.decode(), value)

    def state(self, owner: str) -> State:
        return self.replica.of_owner(owner)

    def partition_tables(self) -> Iterator[Tables]:
        yield self.replica.beside()

    def holders(self, kind: type[Entry], key: str) -> Iterator[str]:
        return self.replica.holders(kind, key.encode())

    async def current(self, owner: str | None, tables: tuple[str, ...]) -> None:  # noqa: ARG002
        await asyncio.sleep(0)

    async def of(self, owner: str) -> Iterable[Record]:  # noqa: ARG002
        if len(self.log[EVENTS.name]) > self.facts_allowed:
            raise TooManyFacts("more facts than may be read")
        return self.log[EVENTS.name]


class MembersInMemory:
    """Played ahead from the programme's own time."""

    def __init__(self, programme: Programme) -> None:
        self._programme = programme
        self.go_on = threading.Event()
        self.go_on.set()

    def now(self, tables: Tables | None = None) -> datetime:  # noqa: ARG002
        return self._programme.now

    def look(self, preview: AnnouncementPreview, store: str) -> Iterator[int]:
        self.go_on.wait(20)
        yield from visit_tables(preview, self._programme.replica.beside(), store, self.now)

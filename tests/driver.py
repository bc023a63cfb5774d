"""The whole pipeline in memory, driven by tests: given, at, when; then facts, webhook events, deliveries.

It is made of the real stages over the real tables and codec; only the log and the disk are in memory.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from streams.codec.avro import HEADER, decode, encode
from streams.delivery.records import Delivery, Subscription
from streams.delivery.subscription import Subscriptions
from streams.domain.commands import AdvanceClock, Command
from streams.domain.state import DataKey
from streams.domain.store import StoreSettings
from streams.domain.values import Value
from streams.rejections import CommandRejected, PoisonRecord
from streams.secrets import crypto_shredding
from streams.stages.commands import owner_of
from streams.stages.context import Clock, Output, Record, Stage, StageContext, WallClock
from streams.stages.fan_out import FanOutStage
from streams.stages.identity import IdentityStage
from streams.stages.loyalty import LoyaltyStage
from streams.tables.store import MemoryStore, Store, Write
from streams.tables.tables import Tables, table_families
from streams.topics import (
    COMMANDS,
    DELIVERIES,
    EVENTS,
    IDENTITY_REQUESTS,
    POISON,
    REJECTIONS,
    WEBHOOK_EVENTS,
    Topic,
)

V = TypeVar("V", bound=Value)
WINDOW = timedelta(seconds=60)
SECRET = bytes(range(64))
"""Drawn where it is real; here two runs must come to the same."""


class Pipeline:
    """One partition of everything. `now` is the wall clock's time; `at` moves it and fires timers."""

    def __init__(
        self,
        *settings: StoreSettings,
        now: datetime,
        clock: Clock | None = None,
        memory: timedelta = timedelta(hours=24),
        store: Store | None = None,
    ) -> None:
        self.now = now
        self.settings = {s.store: s for s in settings}
        self.subscriptions = Subscriptions()
        self.log: defaultdict[str, list[Record]] = defaultdict(list)
        self._store = store or MemoryStore(table_families(LoyaltyStage.kinds))
        self.tables = Tables(self._store, LoyaltyStage.kinds)
        self.loyalty = LoyaltyStage(self.settings, clock or WallClock(), memory, lambda: SECRET)
        self.fan_out = FanOutStage(self.subscriptions, WINDOW)
        self.batches = Tables(MemoryStore(table_families(FanOutStage.kinds)), FanOutStage.kinds)
        self.identity = IdentityStage()
        self.identifiers = Tables(MemoryStore(table_families(IdentityStage.kinds)), IdentityStage.kinds)

    def subscribe(self, *subscriptions: Subscription) -> None:
        for subscription in subscriptions:
            self.subscriptions.put(subscription)

    def when(self, *commands: Command | AdvanceClock, key: str | None = None) -> None:
        """Commands arrive, each in a turn of its own."""
        for command in commands:
            self.arrive(record(command, len(self.log[COMMANDS.name]), key))

    def arrive(self, *records: Record) -> None:
        self.log[COMMANDS.name] += records
        self.play(*records)

    def play(self, *records: Record) -> None:
        """Commands that stand on their topic already reach the loyalty stage."""
        self._play(self.loyalty, records)

    def ask(self, *records: Record) -> None:
        """Requests reach the identity stage."""
        self._play(self.identity, records)

    def at(self, now: datetime) -> None:
        """The wall clock moves on; whatever has become due happens."""
        self.now = now
        while self.loyalty.plans(0) or self.tables.first_due(now):
            self._play(self.loyalty, ())
        self.close_batches(now)

    def close_batches(self, now: datetime) -> None:
        """The wall clock moves on for the fan-out stage: windows that are over by then close."""
        self.now = now
        while self.batches.first_due(now):
            self._play(self.fan_out, ())

    def tables_of(self, stage: Stage) -> Tables:
        if stage is self.identity:
            return self.identifiers
        return self.batches if stage is self.fan_out else self.tables

    def _play(self, stage: Stage, records: Sequence[Record]) -> None:
        """A turn of the stage, then of those that it wrote for."""
        tables = self.tables_of(stage)
        turn = StageContext(0, tables, self.now)
        left = list(records)
        while True:
            count = stage.play(turn, left, 100)
            left = left[count:]
            if not left:
                break
        self._commit(tables, list(tables.changelog()))
        written = [self._append(output) for output in turn.outputs]
        for topic, reader in self.readers():
            told = [record for record in written if record.topic == topic.name]
            if told:
                self._play(reader, told)

    def _commit(self, tables: Tables, changes: Sequence[Write]) -> None:
        tables.commit(changes, {})

    def readers(self) -> list[tuple[Topic, Stage]]:
        """Which stage goes on with what was written to a topic."""
        return [
            (WEBHOOK_EVENTS, self.fan_out),
            (IDENTITY_REQUESTS, self.identity),
            (COMMANDS, self.loyalty),
        ]

    def _append(self, output: Output) -> Record:
        log = self.log[output.topic.name]
        log.append(_record(output, len(log)))
        return log[-1]

    def facts(self, kind: type[V]) -> list[V]:
        return self._of(EVENTS.name, kind)

    def webhook_events(self, kind: type[V]) -> list[V]:
        return self._of(WEBHOOK_EVENTS.name, kind)

    def deliveries(self) -> list[Delivery]:
        return self._of(DELIVERIES.name, Delivery)

    def bodies(self, event_name: str) -> list[Any]:
        """The `data` of each delivery of that event, numbers exact."""
        decoder = msgspec.json.Decoder(float_hook=str)
        return [decoder.decode(d.data) for d in self.deliveries() if d.event_name == event_name]

    def rejections(self) -> list[str]:
        return [f"{r.field} {r.value} {r.reason}" for r in self._of(REJECTIONS.name, CommandRejected)]

    def poison(self) -> list[str]:
        return [p.cause for p in self._of(POISON.name, PoisonRecord)]

    def _of(self, topic: str, kind: type[V]) -> list[V]:
        return [decode(kind, self.opened(r), r.schema) for r in self.log[topic] if r.kind == kind.__name__]

    def opened(self, record: Record) -> bytes | None:
        """As those read it who have its owner's key."""
        key = self.tables.of((record.key or b"").decode(errors="replace")).get(DataKey)
        return crypto_shredding.open_personal(record.value, record.headers, key.secret if key else None)


def record(command: Command | AdvanceClock, offset: int, key: str | None = None) -> Record:
    """The command as its producer would write it."""
    if key is None:
        key = owner_of(command.store, command.member_id) if isinstance(command, Command) else "clock"
    value, header = encode(command)
    return Record(COMMANDS.name, 0, offset, key.encode(), value, {HEADER: header.encode()})


def _record(output: Output, offset: int) -> Record:
    assert output.encoded is not None, "no stage of the pipeline writes tombstones"
    value, header = output.encoded
    personal = {} if output.personal is None else {crypto_shredding.HEADER: output.personal}
    headers = {HEADER: header.encode()} | personal
    return Record(output.topic.name, 0, offset, output.key.encode(), value, headers)


def instant(text: str) -> datetime:
    """`1998-03-01` or `1998-03-01T12:30:00`, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def all_of(values: Iterable[Value], field: str) -> list[Any]:
    return [getattr(value, field) for value in values]

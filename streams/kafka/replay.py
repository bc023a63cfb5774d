"""Webhook events read again and appended to the deliveries: once each, in order, no faster than is wanted.

A replay is what was asked for: its name is made of that. Where it stands, and where it is to end, is
committed with its deliveries: so it may be killed anywhere and is begun again by the same words.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Self

from confluent_kafka import Message

from streams import codec
from streams.delivery.backfill import HEADER, backfilled, meant_for
from streams.delivery.records import Delivery, Subscription
from streams.delivery.replay import Only, Selection
from streams.domain.ids import derived_id
from streams.errors import Misconfigured, Poison
from streams.kafka.batch import record_of
from streams.kafka.clients import Connection
from streams.kafka.pace import Over, Pace
from streams.kafka.standpoint import Appended, Position, Standpoint
from streams.kafka.stretch import Stretch, between, records, slices, whole
from streams.kafka.topics import DELIVERIES, SUBSCRIPTIONS, WEBHOOK_EVENTS
from streams.webhooks import CATALOGUE
from streams.webhooks.events import WebhookEvent

READ_WITHOUT = 50_000
Progress = Callable[[int], None]
"""Called with how many deliveries were appended since the last call."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A replay in its asker's words. `since` and `until` are as they were put: they are part of its name."""

    subscription_id: str
    since: str
    until: str
    event_name: str | None = None
    member_id: str | None = None
    only: Only = "all"

    @property
    def name(self) -> str:
        words = (self.since, self.until, self.event_name or "", self.member_id or "", self.only)
        return derived_id(self.subscription_id, *words)[:13]


def subscription_of(connection: Connection, subscription_id: str) -> Subscription:
    """As it is now. Raises Misconfigured where there is none, or nothing is sent to it; Retryable."""
    latest = None
    for record in records(connection, whole(connection, SUBSCRIPTIONS)):
        if record.key == subscription_id.encode():
            latest = record
    if latest is None or latest.value is None:
        raise Misconfigured(f"--subscription {subscription_id!r}: there is no subscription of that id")
    found = codec.decode(Subscription, latest.value, latest.schema)
    if found.state != "active":
        raise Misconfigured(f"--subscription {subscription_id!r} is {found.state}: set it active first")
    return found


@dataclass(slots=True)
class Plan:
    """What is left to be read, and by partition where it ends."""

    stretch: Stretch
    resumed: bool


class Replay:
    """To make one fences any other of the same name, and ends what that left open. Raises Retryable where the
    cluster does not answer: the same words go on with it."""

    def __init__(
        self,
        connection: Connection,
        selection: Selection,
        *,
        period: tuple[datetime | None, datetime | None],
    ) -> None:
        self._connection = connection
        self._selection = selection
        self._standpoint = Standpoint(connection, f"replay-{selection.name}", WEBHOOK_EVENTS)
        self.plan = self._resumed() or Plan(between(connection, WEBHOOK_EVENTS, *period), resumed=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._standpoint.close()

    def count(self) -> int:
        """Deliveries that `run` would append now."""
        return sum(
            self._size(message)
            for message in chain.from_iterable(slices(self._connection, self.plan.stretch))
        )

    def run(self, pace: Pace, progress: Progress, over: Over) -> bool:
        """Whether all is done; else it was told to end, and goes on when it is run again."""
        bounds = self.plan.stretch.bounds
        if not self.plan.resumed:
            self._commit([], {number: start for number, (start, _) in bounds.items()})
        for chunk, positions in self._chunks(pace.chunk):
            if not pace.wait(len(chunk), over):
                return False
            self._commit(chunk, positions)
            pace.appended(chunk)
            progress(len(chunk))
        self._standpoint.forget()
        return True

    def _chunks(self, size: int) -> Iterator[tuple[list[Delivery], dict[int, int]]]:
        """Deliveries, and where the partitions stand after them. Of a long stretch without any, an empty
        list: that it is behind is to be remembered too."""
        chunk, positions, read = list[Delivery](), dict[int, int](), 0
        for messages in slices(self._connection, self.plan.stretch):
            for message in messages:
                chunk += self._deliveries(message)
                positions[message.partition() or 0] = (message.offset() or 0) + 1
                read += 1
                if len(chunk) >= size or read >= READ_WITHOUT:
                    yield chunk, positions
                    chunk, positions, read = [], {}, 0
        # What is left of the stretch are markers of transactions.
        yield chunk, {number: end for number, (_, end) in self.plan.stretch.bounds.items()}

    def _size(self, message: Message) -> int:
        if self._selection.told_by_key:
            return int(self._meant(message) is not None)
        return sum(1 for _ in self._deliveries(message))

    def _meant(self, message: Message) -> str | None:
        """The event's name where header and key say that it may be meant."""
        headers = dict(message.headers() or ())
        header = headers.get(codec.HEADER)
        name = (header.decode() if isinstance(header, bytes) else header or "").rpartition(".v")[0]
        meant = self._selection.names(name) and self._selection.owns(message.key() or b"")
        return name if meant and (HEADER not in headers or self._told(message)) else None

    def _told(self, message: Message) -> bool:
        """Not where it was backfilled for others."""
        try:
            by = backfilled(record_of(message, WEBHOOK_EVENTS.name).headers)
        except Poison:
            return False
        return meant_for(self._selection.subscription.subscription_id, by)

    def _deliveries(self, message: Message) -> Iterator[Delivery]:
        name = self._meant(message)
        if name is None:
            return
        record = record_of(message, WEBHOOK_EVENTS.name)
        try:
            event: WebhookEvent = codec.decode(CATALOGUE[name].event, record.value, record.schema)
        except Poison:
            # The fan-out has put it aside: nobody can read it.
            return
        yield from self._selection.deliveries(event)

    def _commit(self, chunk: list[Delivery], positions: dict[int, int]) -> None:
        bounds = self.plan.stretch.bounds
        self._standpoint.commit(
            map(_appended, chunk), {n: Position(at, str(bounds[n][1])) for n, at in positions.items()}
        )

    def _resumed(self) -> Plan | None:
        places = self._standpoint.positions()
        if places is None:
            return None
        bounds = {number: (offset, int(end or 0)) for number, (offset, end) in places.items()}
        return Plan(Stretch(WEBHOOK_EVENTS, bounds), resumed=True)


def _appended(delivery: Delivery) -> Appended:
    value, header = codec.encode(delivery)
    return Appended(DELIVERIES, delivery.subscription_id.encode(), value, {codec.HEADER: header.encode()})

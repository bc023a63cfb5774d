"""Whether the log adds up: published = delivered + filtered + pending + dead, by event and subscription.

Every record leaves marks, under keys that begin with the delivery's id. Sorted, on a disk if need be, all
that is known of a delivery stands together: the books are one walk over them, and take no memory for it.

A body of legacy items counts as many times as it has items, for each was an event. Whether it holds the right
ones is seen by its id, which is made of its first and its last event.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from streams.delivery.backfill_recipients import BackfillRecipients, is_recipient
from streams.delivery.legacy_batches import is_collected
from streams.delivery.records import Attempt, DeadLetter, Delivery
from streams.delivery.replay_selection import to_replayed
from streams.delivery.subscription_history import SubscriptionHistory, wanted_deliveries
from streams.domain.ids import derived_id
from streams.webhooks.events import WebhookEvent

Mark = tuple[bytes, bytes]
"""Key and value."""
DeliveryOutcome = Literal["delivered", "filtered", "pending", "dead"]
OUTCOMES: tuple[DeliveryOutcome, ...] = ("delivered", "filtered", "pending", "dead")
MAX_DIFFERENCES = 1000
"""Most differences that are kept: all are counted."""
PUBLISHED, MADE, REPLAYED, DELIVERED, DEAD, REDRIVEN, WRONG = (bytes([n]) for n in b"pmydxrw")
EventState = Literal["due", "not due", "ahead", "loose"]
"""Of an event, where nothing was made of it. ahead: the fan-out has not come to it. loose: an item that is in
no batch; it waits for one to close, unless a later one has."""


class EventGroup(NamedTuple):
    """What is counted together."""

    event_name: str
    subscription_id: str


class RecordPlace(NamedTuple):
    """Where a record stands, and when it was appended."""

    partition: int
    offset: int
    appended_at: datetime


class PublishedMark(NamedTuple):
    """What a mark says of an event."""

    event_name: str
    subscription_id: str
    webhook_event_id: str
    state: EventState
    partition: int
    offset: int


class DeliveryDifference(NamedTuple):
    """A delivery that does not add up."""

    delivery_id: str
    webhook_event_id: str
    event_name: str
    subscription_id: str
    reason: str


@dataclass(slots=True)
class Reconciliation:
    """By group, how many were published and what became of them; and what does not add up."""

    published: Counter[EventGroup] = field(default_factory=Counter)
    outcomes: defaultdict[EventGroup, Counter[DeliveryOutcome]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    different: Counter[EventGroup] = field(default_factory=Counter)
    differences: list[DeliveryDifference] = field(default_factory=list)

    @property
    def agree(self) -> bool:
        return not self.different

    def differs(self, difference: DeliveryDifference) -> None:
        self.different[EventGroup(difference.event_name, difference.subscription_id)] += 1
        if len(self.differences) < MAX_DIFFERENCES:
            self.differences.append(difference)


@dataclass(slots=True)
class _Batch:
    delivery_id: str
    items: int
    first: str
    replay: bool = False
    taken: int = 0


class MarkMaker:
    """Makes marks of records. Deliveries first, then webhook events, each partition in order.

    In memory are the batches of legacy items: as many as were closed.
    """

    def __init__(self, subscriptions: SubscriptionHistory) -> None:
        self._subscriptions = subscriptions
        self._batches: defaultdict[tuple[str, str], list[_Batch]] = defaultdict(list)
        self._open: dict[tuple[int, EventGroup], _Batch] = {}
        self.closed: dict[tuple[int, EventGroup], int] = {}
        """By partition and group, the offset of the event with which the latest batch begins."""

    def delivery(self, record: Delivery, place: RecordPlace) -> Iterator[Mark]:
        replay = record.replay is not None
        if is_collected(record):
            items = len(msgspec.json.decode(record.data, type=list[msgspec.Raw]))
            first = record.webhook_event_id, record.subscription_id
            # One that was sent again is the same one.
            if all(b.delivery_id != record.delivery_id for b in self._batches[first]):
                self._batches[first].append(
                    _Batch(record.delivery_id, items, record.webhook_event_id, replay)
                )
        known = (record.event_name, record.subscription_id, record.webhook_event_id)
        yield _mark(record.delivery_id, REPLAYED if replay else MADE, place, msgspec.msgpack.encode(known))

    def attempt(self, record: Attempt, place: RecordPlace) -> Iterator[Mark]:
        if record.outcome == "delivered":
            yield _mark(record.delivery_id, DELIVERED, place)

    def dead_letter(self, record: DeadLetter, place: RecordPlace) -> Iterator[Mark]:
        yield _mark(record.delivery.delivery_id, DEAD, place)

    def redriven(self, delivery_id: str, place: RecordPlace) -> Iterator[Mark]:
        yield _mark(delivery_id, REDRIVEN, place)

    def event(
        self, record: WebhookEvent, place: RecordPlace, ahead: bool, by: BackfillRecipients | None = None
    ) -> Iterator[Mark]:
        """`ahead`: the fan-out has not come to it yet. `by`: the backfill that it is of."""
        name = type(record).__name__
        named = self._subscriptions.naming(record.store, name)
        for forms in (f for f in named if is_recipient(f.subscription_id, by)):
            for delivery, due in wanted_deliveries(record, forms, place.appended_at):
                group = EventGroup(name, forms.subscription_id)
                state: EventState = "ahead" if ahead else "due" if due else "not due"
                if delivery is not None and by:
                    yield _published(to_replayed(delivery, by.name).delivery_id, group, record, state, place)
                elif delivery is not None and is_collected(delivery):
                    yield from self._item(record, group, state, place)
                else:
                    id_ = derived_id(record.webhook_event_id, group.subscription_id)
                    yield _published(delivery.delivery_id if delivery else id_, group, record, state, place)

    def _item(
        self, event: WebhookEvent, group: EventGroup, state: EventState, place: RecordPlace
    ) -> Iterator[Mark]:
        lane, id_ = (place.partition, group), event.webhook_event_id
        batch = self._open.get(lane) or self._begun(lane, id_, place)
        if batch is None:
            loose: EventState = "loose" if state == "due" else state
            yield _published(derived_id(id_, group.subscription_id), group, event, loose, place)
            return
        yield _published(batch.delivery_id, group, event, state, place)
        batch.taken += 1
        if batch.taken == batch.items:
            self._open.pop(lane, None)
            if derived_id(batch.first, group.subscription_id, id_) != batch.delivery_id:
                yield _mark(batch.delivery_id, WRONG, place)

    def _begun(self, lane: tuple[int, EventGroup], event_id: str, place: RecordPlace) -> _Batch | None:
        found = self._batches.get((event_id, lane[1].subscription_id))
        if not found:
            return None
        # A replay's stands in only where there is no other.
        batch = min(found, key=lambda each: each.replay)
        batch.taken = 0
        self._open[lane] = batch
        self.closed[lane] = place.offset
        return batch


def _mark(delivery_id: str, letter: bytes, place: RecordPlace, value: bytes = b"") -> Mark:
    at = place.partition.to_bytes(4, "big") + place.offset.to_bytes(8, "big")
    return UUID(delivery_id).bytes + letter + at, value


def _published(
    delivery_id: str, group: EventGroup, event: WebhookEvent, state: EventState, place: RecordPlace
) -> Mark:
    known = PublishedMark(*group, event.webhook_event_id, state, place.partition, place.offset)
    return _mark(delivery_id, PUBLISHED, place, msgspec.msgpack.encode(known))


def reconcile_marks(
    marks: Iterable[Mark], closed: dict[tuple[int, EventGroup], int], *, whole: bool
) -> Reconciliation:
    """The books of sorted marks. `whole`: of all that there is, so that each delivery must be of an event."""
    books = Reconciliation()
    for id_, found in groupby(marks, key=lambda mark: mark[0][:16]):
        _balance(books, str(UUID(bytes=id_)), list(found), closed, whole)
    return books


def _balance(
    books: Reconciliation, id_: str, marks: list[Mark], closed: dict[tuple[int, EventGroup], int], whole: bool
) -> None:
    count = Counter(key[16:17] for key, _ in marks)
    found = [msgspec.msgpack.decode(v, type=PublishedMark) for k, v in marks if k[16:17] == PUBLISHED]
    # One that is there again, backfilled for who did not get it, is one event all the same.
    events = {event.webhook_event_id: event for event in sorted(found, key=_weight)}.values()
    for event in events:
        group = EventGroup(event.event_name, event.subscription_id)
        books.published[group] += 1
        outcome = _outcome(event, count, closed)
        if outcome is None:
            books.differs(DeliveryDifference(id_, event.webhook_event_id, *group, "no delivery was made"))
        else:
            books.outcomes[group][outcome] += 1
    made = next((v for k, v in marks if k[16:17] == MADE), None)
    if events:
        first = next(iter(events))
        of = first.webhook_event_id, first.event_name, first.subscription_id
    elif made is not None and whole:
        name, subscription_id, event_id = msgspec.msgpack.decode(made, type=tuple[str, str, str])
        of = event_id, name, subscription_id
    else:
        return
    for reason in _problems(count):
        books.differs(DeliveryDifference(id_, *of, reason))


def _weight(event: PublishedMark) -> int:
    """The last of an event's marks stands."""
    return ("not due", "ahead", "loose", "due").index(event.state)


def _outcome(
    event: PublishedMark, count: Counter[bytes], closed: dict[tuple[int, EventGroup], int]
) -> DeliveryOutcome | None:
    """None: what should have been made was not."""
    made = count[MADE] + count[REPLAYED]
    if count[DELIVERED]:
        return "delivered"
    if made or count[DEAD]:
        return "pending" if made > count[DEAD] else "dead"
    if event.state == "due":
        return None
    if event.state == "loose":
        latest = closed.get((event.partition, EventGroup(event.event_name, event.subscription_id)), -1)
        return None if event.offset < latest else "pending"
    return "filtered" if event.state == "not due" else "pending"


def _problems(count: Counter[bytes]) -> Iterator[str]:
    made, ended = count[MADE] + count[REPLAYED], count[DELIVERED] + count[DEAD]
    if not count[PUBLISHED]:
        yield "was made of no event that is there"
    if count[MADE] > 1 + count[REDRIVEN]:
        yield f"was made {count[MADE]} times, re-driven {count[REDRIVEN]} times"
    if made and ended > made:
        yield f"came to an end {ended} times, made {made} times"
    if count[WRONG]:
        yield "holds other items than those between its first and its last"

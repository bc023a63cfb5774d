"""The topics of what was put aside, and how it is sent again: poison records, and dead letters."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime

from streams.codec import avro
from streams.delivery.records import DeadLetter, redrive_delivery
from streams.domain.values import Value
from streams.jobs.redrive import Id, OutgoingRecord
from streams.kafka.clients import Connection
from streams.kafka.log_reader import full_range, read_latest
from streams.projections.erasures import erased
from streams.rejections import WRONG_PARTITION, LetterRedriven, PoisonRecord, Redriven
from streams.stages.commands import owner_of
from streams.stages.context import Record
from streams.topics import DEAD_LETTERS, DELIVERIES, POISON, SUBSCRIPTIONS, TOPICS

_BY_NAME = {topic.name: topic for topic in TOPICS}


class PoisonSource:
    """Each goes to its topic and partition, with its key, headers and bytes; to its key's partition where it
    stood on another."""

    topic = POISON
    kind = PoisonRecord

    def obstacle(self, record: PoisonRecord) -> str | None:
        if record.left_out:
            return "too large to be kept whole"
        return None if record.topic in _BY_NAME else "of a topic that is no more"

    def again(self, record: PoisonRecord) -> OutgoingRecord:
        # To its own partition, as each has clock's records; but for what stood where its key does not belong.
        partition = -1 if record.cause.startswith(WRONG_PARTITION) else record.partition
        return OutgoingRecord(_BY_NAME[record.topic], partition, record.key, record.value, record.headers)

    def name(self, place: Id, record: PoisonRecord) -> Hashable:
        # By origin too: where the poison topic was made anew, its places mean other records.
        return place, record.topic, record.partition, record.offset

    def memory(self, place: Id, record: PoisonRecord, now: datetime) -> Value:
        return Redriven(
            poison_partition=place.partition,
            poison_offset=place.offset,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            redriven_at=now,
        )

    def remembered(self, record: Record) -> tuple[Hashable, datetime] | None:
        if record.kind != Redriven.__name__:
            return None
        r = avro.decode(Redriven, record.value, record.schema)
        return (Id(r.poison_partition, r.poison_offset), r.topic, r.partition, r.offset), r.redriven_at


class DeadLetterSource:
    """Each goes to the deliveries as the one that it was, and has its whole schedule before it."""

    topic = DEAD_LETTERS
    kind = DeadLetter

    def __init__(self, subscribed: Callable[[str], bool], erased: Callable[[str], bool]) -> None:
        """`subscribed` says whether a subscription is there; `erased`, by its key, whether a member is."""
        self._subscribed = subscribed
        self._erased = erased

    def obstacle(self, record: DeadLetter) -> str | None:
        delivery = record.delivery
        if self._erased(owner_of(delivery.store, delivery.member_id)):
            return "of a member that is erased"
        # It would come back at once.
        known = self._subscribed(delivery.subscription_id)
        return None if known else "of a subscription that is no more"

    def again(self, record: DeadLetter) -> OutgoingRecord:
        value, header = avro.encode(redrive_delivery(record))
        key = record.delivery.subscription_id.encode()
        return OutgoingRecord(DELIVERIES, -1, key, value, {avro.HEADER: header.encode()})

    def name(self, place: Id, record: DeadLetter) -> Hashable:
        return place, record.delivery.delivery_id

    def memory(self, place: Id, record: DeadLetter, now: datetime) -> Value:
        return LetterRedriven(
            partition=place.partition,
            offset=place.offset,
            delivery_id=record.delivery.delivery_id,
            redriven_at=now,
        )

    def remembered(self, record: Record) -> tuple[Hashable, datetime] | None:
        if record.kind != LetterRedriven.__name__:
            return None
        r = avro.decode(LetterRedriven, record.value, record.schema)
        return (Id(r.partition, r.offset), r.delivery_id), r.redriven_at


def dead_letter_source(connection: Connection) -> DeadLetterSource:
    """The dead letters, beside the subscriptions that there are now and who is erased. Raises Retryable."""
    there = read_latest(connection, full_range(connection, SUBSCRIPTIONS))
    return DeadLetterSource(lambda id_: id_.encode() in there, erased(connection).__contains__)


@dataclass(frozen=True, slots=True)
class PoisonWanted:
    """Those for which all of it holds. Empty: whichever."""

    topics: frozenset[str] = frozenset()
    since: datetime | None = None
    ids: frozenset[Id] = frozenset()

    def holds(self, place: Id, record: PoisonRecord) -> bool:
        return (
            (not self.topics or record.topic in self.topics)
            and (self.since is None or record.found_at >= self.since)
            and (not self.ids or place in self.ids)
        )


@dataclass(frozen=True, slots=True)
class LettersWanted:
    """Those for which all of it holds. Empty: whichever. Given up from `since` on, and before `until`.
    A status of None: there was no answer."""

    subscriptions: frozenset[str] = frozenset()
    stores: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    statuses: frozenset[int | None] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    ids: frozenset[Id] = frozenset()
    deliveries: frozenset[str] = frozenset()

    def holds(self, place: Id, record: DeadLetter) -> bool:
        delivery = record.delivery
        return (
            (not self.subscriptions or delivery.subscription_id in self.subscriptions)
            and (not self.stores or delivery.store in self.stores)
            and (not self.events or delivery.event_name in self.events)
            and (not self.statuses or record.status in self.statuses)
            and (self.since is None or record.given_up_at >= self.since)
            and (self.until is None or record.given_up_at < self.until)
            and (not self.ids or place in self.ids)
            and (not self.deliveries or delivery.delivery_id in self.deliveries)
        )

"""The sources of a redrive, poison records and dead letters, and the filters on them."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime

from streams.codec import avro
from streams.delivery.records import DeadLetter, redrive_delivery
from streams.domain.values import Value
from streams.jobs.redrive import CandidateId, OutgoingRecord
from streams.kafka.clients import Connection
from streams.kafka.log_reader import full_range, read_latest
from streams.projections.erasures import erased_owners
from streams.rejections import WRONG_PARTITION, LetterRedriven, PoisonRecord, Redriven
from streams.stages.commands import owner_of
from streams.stages.context import Record
from streams.topics import DEAD_LETTERS, DELIVERIES, POISON, SUBSCRIPTIONS, TOPICS

_BY_NAME = {topic.name: topic for topic in TOPICS}


class PoisonSource:
    """Each poison record goes back to its topic and partition with its key, headers and bytes; if it was on a
    partition that its key does not belong to, it goes to the key's."""

    topic = POISON
    kind = PoisonRecord

    def obstacle(self, record: PoisonRecord) -> str | None:
        if record.left_out:
            return "too large to be kept whole"
        return None if record.topic in _BY_NAME else "of a topic that is no more"

    def again(self, record: PoisonRecord) -> OutgoingRecord:
        # Its own partition, because each one has its own clock records; a misplaced record goes to its key's.
        partition = -1 if record.cause.startswith(WRONG_PARTITION) else record.partition
        return OutgoingRecord(_BY_NAME[record.topic], partition, record.key, record.value, record.headers)

    def name(self, place: CandidateId, record: PoisonRecord) -> Hashable:
        # With its origin: if the poison topic is created again, the same position means another record.
        return place, record.topic, record.partition, record.offset

    def memory(self, place: CandidateId, record: PoisonRecord, now: datetime) -> Value:
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
        return (
            CandidateId(r.poison_partition, r.poison_offset),
            r.topic,
            r.partition,
            r.offset,
        ), r.redriven_at


class DeadLetterSource:
    """Each dead letter goes to `deliveries` as the same delivery, with the whole retry schedule ahead."""

    topic = DEAD_LETTERS
    kind = DeadLetter

    def __init__(self, subscribed: Callable[[str], bool], erased_owners: Callable[[str], bool]) -> None:
        """`subscribed`: whether a subscription exists. `erased_owners`: whether a member, by its key, is
        erased."""
        self._subscribed = subscribed
        self._erased = erased_owners

    def obstacle(self, record: DeadLetter) -> str | None:
        delivery = record.delivery
        if self._erased(owner_of(delivery.store, delivery.member_id)):
            return "of a member that is erased"
        # Its delivery would become a dead letter at once.
        known = self._subscribed(delivery.subscription_id)
        return None if known else "of a subscription that is no more"

    def again(self, record: DeadLetter) -> OutgoingRecord:
        value, header = avro.encode(redrive_delivery(record))
        key = record.delivery.subscription_id.encode()
        return OutgoingRecord(DELIVERIES, -1, key, value, {avro.HEADER: header.encode()})

    def name(self, place: CandidateId, record: DeadLetter) -> Hashable:
        return place, record.delivery.delivery_id

    def memory(self, place: CandidateId, record: DeadLetter, now: datetime) -> Value:
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
        return (CandidateId(r.partition, r.offset), r.delivery_id), r.redriven_at


def dead_letter_source(connection: Connection) -> DeadLetterSource:
    """The dead letters, with the present subscriptions and erased members. Raises Retryable."""
    there = read_latest(connection, full_range(connection, SUBSCRIPTIONS))
    return DeadLetterSource(lambda id_: id_.encode() in there, erased_owners(connection).__contains__)


@dataclass(frozen=True, slots=True)
class PoisonFilter:
    """Records that meet every condition. An empty condition allows any."""

    topics: frozenset[str] = frozenset()
    since: datetime | None = None
    ids: frozenset[CandidateId] = frozenset()

    def holds(self, place: CandidateId, record: PoisonRecord) -> bool:
        return (
            (not self.topics or record.topic in self.topics)
            and (self.since is None or record.found_at >= self.since)
            and (not self.ids or place in self.ids)
        )


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """Records that meet every condition; an empty one allows any. Given up from `since` on and before
    `until`. Status None: there was no answer."""

    subscriptions: frozenset[str] = frozenset()
    stores: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    statuses: frozenset[int | None] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    ids: frozenset[CandidateId] = frozenset()
    deliveries: frozenset[str] = frozenset()

    def holds(self, place: CandidateId, record: DeadLetter) -> bool:
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

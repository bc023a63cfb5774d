"""Who is erased, and which topics still hold a member's data until when. See docs/erasure.md."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from streams.domain.state import Known
from streams.kafka.clients import Connection
from streams.kafka.log_reader import full_range, read_batches
from streams.topics import CHANGELOGS, ERASURES, EVENTS, MAX_UNCOMPACTED, TOMBSTONE_RETENTION, Topic

PERSONAL_DATA: Mapping[str, str] = {
    "commands": "commands as they came",
    "identity-requests": "e-mail, phone, card number",
    "events": "profile, codes, buyers, comments, attributes: sealed",
    "webhook-events": "contacts, profile, codes, buyers",
    "rejections": "the value that was refused",
    "deliveries": "bodies",
    "attempts": "what the endpoint answered",
    "dead-letters": "bodies",
    "poison": "records as they came",
    "members-changelog": "profile, codes; buyers of documents",
    "ledgers-changelog": "comments",
    "coupons-changelog": "comments",
    "commands-changelog": "the data key; commands that wait, values that were refused",
    "identifiers-changelog": "e-mail, phone, card number",
    "batches-changelog": "items of legacy arrays",
    "pending-changelog": "bodies, until they are sent or given up",
}
"""By topic, which personal data of a member it holds. Other topics hold ids at most."""


def erased_owners(connection: Connection) -> frozenset[str]:
    """The keys of all members and documents that are erased now. Raises Retryable."""
    messages = chain.from_iterable(read_batches(connection, full_range(connection, ERASURES)))
    return frozenset((message.key() or b"").decode() for message in messages)


@dataclass(frozen=True, slots=True)
class DataRemainder:
    """Personal data that a topic still holds, until `gone_at` at the latest."""

    topic: Topic
    what: str
    gone_at: datetime
    compacted: bool
    """Whether the topic is compacted: then the data goes with the partition's first record after that."""


def remaining_data(topics: Iterable[Topic], erased_at: datetime) -> Iterator[DataRemainder]:
    """The topics that hold personal data, those that lose it first first. `topics` carry their retention."""
    for topic in sorted((topic for topic in topics if topic.name in PERSONAL_DATA), key=_max_retention):
        yield DataRemainder(
            topic, PERSONAL_DATA[topic.name], erased_at + _max_retention(topic), topic.compacted
        )


def _max_retention(topic: Topic) -> timedelta:
    if topic is EVENTS:
        return timedelta(0)
    if topic is CHANGELOGS[Known.table]:
        # Its keys are personal too, so their tombstones must go as well: that takes a second cleaner run.
        return MAX_UNCOMPACTED + TOMBSTONE_RETENTION + MAX_UNCOMPACTED
    if topic.compacted or topic.retention is None:
        return MAX_UNCOMPACTED
    # Kafka deletes whole segments, once their youngest record is old enough.
    return topic.retention + timedelta(milliseconds=int(topic.config["segment.ms"]))

"""Who is erased; and what is left of a member, where, for how long. See docs/erasure.md."""

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
"""By topic, what of a member stands there. Others hold ids at most."""


def erased(connection: Connection) -> frozenset[str]:
    """The keys of all erased members and of their documents, as it is now. Raises Retryable."""
    messages = chain.from_iterable(read_batches(connection, full_range(connection, ERASURES)))
    return frozenset((message.key() or b"").decode() for message in messages)


@dataclass(frozen=True, slots=True)
class Left:
    """What of a member a topic still holds, at the latest until `gone_at`."""

    topic: Topic
    what: str
    gone_at: datetime
    compacted: bool
    """What was replaced goes at the first record that is written to the partition after that."""


def remaining_data(topics: Iterable[Topic], erased_at: datetime) -> Iterator[Left]:
    """By topic, the soonest gone first. `topics` are kept as is said."""
    for topic in sorted((topic for topic in topics if topic.name in PERSONAL_DATA), key=_most):
        yield Left(topic, PERSONAL_DATA[topic.name], erased_at + _most(topic), topic.compacted)


def _most(topic: Topic) -> timedelta:
    if topic is EVENTS:
        return timedelta(0)
    if topic is CHANGELOGS[Known.table]:
        # Its keys are personal too: the tombstones that have them must go, by another visit of the cleaner.
        return MAX_UNCOMPACTED + TOMBSTONE_RETENTION + MAX_UNCOMPACTED
    if topic.compacted or topic.retention is None:
        return MAX_UNCOMPACTED
    # Whole segments go, once their youngest record is old enough.
    return topic.retention + timedelta(milliseconds=int(topic.config["segment.ms"]))

"""Every topic as one typed value: its name, key, schemas, cleanup, retention, and its single writer."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from streams.access import Admin, ApiKey, Change, SignOut
from streams.delivery.listeners import Listener
from streams.delivery.records import Attempt, DeadLetter, Delivery, EndpointStatus, Subscription
from streams.delivery.replay_jobs import ReplayOrder, ReplayProgress
from streams.domain.commands import AdvanceClock, DocumentCommand, MemberCommand
from streams.domain.events import DocumentErased, Event, MemberErased
from streams.domain.messages import IdentityRequest, Message
from streams.domain.store import StoreSettings
from streams.domain.values import Value
from streams.rejections import (
    MAX_ACCEPTED_BYTES,
    MAX_RECORD_BYTES,
    CommandRejected,
    LetterRedriven,
    PoisonRecord,
    Redriven,
)
from streams.state_version import Generation
from streams.webhooks import CATALOGUE

KeyKind = Literal[
    "admin",
    "API key",
    "session",
    "what was changed",
    "store/member",
    "identifier",
    "store",
    "subscription",
    "listener",
    "replay",
    "as the record's",
    "its place",
    "table entry",
    "what it is of",
]
DAY = timedelta(days=1)
# Longer than a worker may be off: if a tombstone is deleted before the worker restores, its entry stays.
TOMBSTONE_RETENTION = 7 * DAY
# Without max.compaction.lag.ms, Kafka may keep replaced and erased records forever if little is written.
MAX_UNCOMPACTED = 7 * DAY
MAX_BATCH_BYTES = MAX_RECORD_BYTES


@dataclass(frozen=True, slots=True)
class Topic:
    """`retention` None means forever. `partitions` None means LOYALTY_PARTITIONS, co-partitioned with other
    topics."""

    name: str
    key: KeyKind
    values: tuple[type[Value], ...]
    writer: str
    retention: timedelta | None = None
    compacted: bool = False
    history: timedelta | None = None
    """For how long a compacted topic keeps replaced records (min.compaction.lag.ms)."""
    partitions: int | None = None
    renewed: bool = False
    """Whether each version of the state has its own topic."""
    on_disk: bool = False
    """Whether each machine stores the last valid record of each key, in case the log has only an invalid
    one."""
    largest: int = MAX_BATCH_BYTES
    """max.message.bytes: bytes of the largest record batch, compressed."""

    @property
    def config(self) -> dict[str, str]:
        """The topic's configuration in Kafka's terms."""
        size = {"max.message.bytes": str(self.largest)}
        if self.compacted:
            kept = _milliseconds(TOMBSTONE_RETENTION)
            most = {"max.compaction.lag.ms": str(_milliseconds((self.history or 0 * DAY) + MAX_UNCOMPACTED))}
            least = {"min.compaction.lag.ms": str(_milliseconds(self.history))} if self.history else {}
            return {"cleanup.policy": "compact", "delete.retention.ms": str(kept), **least, **most, **size}
        if self.retention is None:
            return {"cleanup.policy": "delete", "retention.ms": "-1", **size}
        # Kafka deletes whole segments, once the youngest record of a segment is old enough.
        segment = {"segment.ms": str(_milliseconds(max(DAY, self.retention / 10)))}
        kept = _milliseconds(self.retention)
        return {"cleanup.policy": "delete", "retention.ms": str(kept), **segment, **size}


def _milliseconds(time: timedelta) -> int:
    return int(time.total_seconds() * 1000)


COMMANDS = Topic(
    "commands",
    "store/member",
    (*get_args(MemberCommand), *get_args(DocumentCommand), *get_args(Message), AdvanceClock),
    "producers, API, imports; messages: loyalty and identity stage",
    retention=7 * DAY,
    largest=MAX_ACCEPTED_BYTES,
)
IDENTITY_REQUESTS = Topic(
    "identity-requests",
    "identifier",
    get_args(IdentityRequest),
    "loyalty and identity stage; addressed commands: producers",
    retention=7 * DAY,
    largest=MAX_ACCEPTED_BYTES,
)
EVENTS = Topic("events", "store/member", get_args(Event), "loyalty stage")
# Members and documents whose webhooks are never sent again.
ERASURES = Topic("erasures", "store/member", (MemberErased, DocumentErased), "loyalty stage", compacted=True)
WEBHOOK_EVENTS = Topic(
    "webhook-events",
    "store/member",
    tuple(entry.event for entry in CATALOGUE.values()),
    "loyalty stage; loyalty backfill",
    retention=90 * DAY,
)
REJECTIONS = Topic("rejections", "store/member", (CommandRejected,), "loyalty stage", retention=30 * DAY)
DELIVERIES = Topic(
    "deliveries",
    "subscription",
    (Delivery,),
    "fan-out stage; redrives and replays: API and loyalty dead-letters, loyalty replay",
    retention=7 * DAY,
)
ATTEMPTS = Topic("attempts", "subscription", (Attempt,), "sink", retention=30 * DAY)
DEAD_LETTERS = Topic("dead-letters", "subscription", (DeadLetter,), "sink", retention=90 * DAY)
ENDPOINT_STATUS = Topic("endpoint-status", "subscription", (EndpointStatus,), "sink", compacted=True)
POISON = Topic("poison", "as the record's", (PoisonRecord,), "the stage that met it", retention=30 * DAY)
# Kept longer than poison and dead letters, which are deleted by segments: a redriven record must not appear
# as if it were not.
REDRIVEN = Topic(
    "redriven",
    "its place",
    (Redriven, LetterRedriven),
    "loyalty poison redrive, loyalty dead-letters redrive, API",
    retention=180 * DAY,
    partitions=1,
)
# The history is for `loyalty reconcile`, which needs all versions for as long as deliveries are kept.
SUBSCRIPTIONS = Topic(
    "subscriptions",
    "subscription",
    (Subscription,),
    "API",
    compacted=True,
    history=14 * DAY,
    partitions=1,
    on_disk=True,
)
# Developers' machines that fetch webhooks. The fan-out and the sink do not know them, so that none of them is
# in the books.
LISTENERS = Topic("listeners", "listener", (Listener,), "API", compacted=True, partitions=1)
LISTENER_EXAMPLES = Topic(
    "listener-examples", "listener", (Delivery,), "API", retention=2 * DAY, partitions=1
)
REPLAYS = Topic("replays", "replay", (ReplayOrder,), "API", compacted=True, partitions=1)
REPLAY_PROGRESS = Topic(
    "replay-progress", "replay", (ReplayProgress,), "API, who plays it", compacted=True, partitions=1
)
SETTINGS = Topic(
    "settings",
    "store",
    (StoreSettings,),
    "API; loyalty store put",
    compacted=True,
    partitions=1,
    on_disk=True,
)


ADMINS = Topic("admins", "admin", (Admin,), "API; loyalty admin", compacted=True, partitions=1)
API_KEYS = Topic("api-keys", "API key", (ApiKey,), "API", compacted=True, partitions=1)
SIGN_OUTS = Topic("sign-outs", "session", (SignOut,), "API", compacted=True, partitions=1)
AUDIT = Topic("audit", "what was changed", (Change,), "API; loyalty admin", 3 * 366 * DAY, partitions=1)


GENERATIONS = Topic(
    "generations",
    "what it is of",
    (Generation,),
    "loyalty replay state --switch",
    compacted=True,
    partitions=1,
    on_disk=True,
)


def changelog_topic(table: str, *, renewed: bool = False) -> Topic:
    """The changelog topic of a table: the latest entry for each key, from which the table is restored."""
    writer = "the table's stage; loyalty replay state --build" if renewed else "the table's stage"
    return Topic(f"{table}-changelog", "table entry", (), writer, compacted=True, renewed=renewed)


VERSIONED_TABLES = ("members", "ledgers", "coupons", "commands")
"""The loyalty stage's tables, which `loyalty replay state` rebuilds."""
CHANGELOGS = {
    **{table: changelog_topic(table, renewed=True) for table in VERSIONED_TABLES},
    **{table: changelog_topic(table) for table in ("identifiers", "batches", "pending", "endpoints")},
}

TOPICS = (
    COMMANDS,
    IDENTITY_REQUESTS,
    EVENTS,
    ERASURES,
    WEBHOOK_EVENTS,
    REJECTIONS,
    DELIVERIES,
    ATTEMPTS,
    DEAD_LETTERS,
    ENDPOINT_STATUS,
    POISON,
    REDRIVEN,
    SUBSCRIPTIONS,
    LISTENERS,
    LISTENER_EXAMPLES,
    REPLAYS,
    REPLAY_PROGRESS,
    SETTINGS,
    ADMINS,
    API_KEYS,
    SIGN_OUTS,
    AUDIT,
    GENERATIONS,
    *CHANGELOGS.values(),
)

"""Mendings of the product, taken back: what was wrong before them, for the seeds to find."""

import logging
from collections.abc import Callable

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

from streams.errors import Retryable
from streams.kafka import transactions, transient_errors
from streams.kafka.clients import Connection
from streams.runtime import partitions
from streams.runtime.restore import RecordsCallback, open_changelog_consumer
from streams.runtime.restore_progress import ReportProgress
from streams.tables.tables import Tables
from streams.topics import CHANGELOGS

LOG = logging.getLogger(__name__)


def gullible_restore(
    connection: Connection,
    partition: int,
    tables: Tables,
    cancelled: Callable[[], bool],
    report: ReportProgress,
    *,
    heard: RecordsCallback = lambda *_: None,
) -> bool:
    """As it was before a restore proved itself: one answer, an offset of -1001 too, is the end."""
    topics = {connection.topic(CHANGELOGS[name]): name for name in tables.names}
    ends = _answered(connection, [TopicPartition(topic, partition) for topic in topics])
    if any(tables.checkpoint(name) > ends[topic] for topic, name in topics.items()):
        tables.clear()
    for topic, name in topics.items():
        consumer = open_changelog_consumer(connection, reset="earliest")
        position = tables.checkpoint(name)
        consumer.assign([TopicPartition(topic, partition, position)])
        while position < ends[topic] and not cancelled():
            message = consumer.poll(0.5)
            if message is None:
                continue
            error, at = message.error(), message.offset() or 0
            if error is None:
                position = at + 1
                tables.restore(name, [(message.key() or b"", message.value())], position)
            elif error.code() == KafkaError._PARTITION_EOF:
                position = max(position, at)
        consumer.close()
    if not tables.indexed:
        tables.index()
    return not cancelled()


def _answered(connection: Connection, places: list[TopicPartition]) -> dict[str, int]:
    admin, until = connection.open_admin(), connection.cluster.now() + 30
    while True:
        asked = {place: OffsetSpec.latest() for place in places}  # type: ignore[no-untyped-call]
        try:
            answers = admin.list_offsets(
                asked, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=3.0
            )
            return {place.topic: future.result().offset for place, future in answers.items()}
        except KafkaException as error:
            if connection.cluster.now() > until:
                raise Retryable(str(error)) from None
            connection.cluster.sleep(0.5)


def _restore() -> None:
    partitions.restore_tables = gullible_restore  # type: ignore[attr-defined]


def _stuck() -> None:
    """A commit that never returns was given up after its transaction's time and 20 s more."""
    transactions.RETURN_TIMEOUT = 25.0


def _passing() -> None:
    """Only what a connection lost leads to passed, and what a topic just made does."""
    transient_errors.TRANSIENT_ERRORS = frozenset(
        {
            KafkaError._TRANSPORT,
            KafkaError._ALL_BROKERS_DOWN,
            KafkaError._TIMED_OUT,
            KafkaError._RESOLVE,
            KafkaError._WAIT_COORD,
            KafkaError.NOT_LEADER_FOR_PARTITION,
            KafkaError.LEADER_NOT_AVAILABLE,
            KafkaError.UNKNOWN_TOPIC_OR_PART,
        }
    )


MENDINGS: dict[str, Callable[[], None]] = {"restore": _restore, "stuck": _stuck, "passing": _passing}
"""By name; each changes this process for good."""


def take_back(name: str | None) -> None:
    if name:
        MENDINGS[name]()

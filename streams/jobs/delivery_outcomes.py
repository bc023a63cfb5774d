"""What became of each delivery of a subscription, sorted on disk, so that their number is not bounded."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

from streams.codec import avro
from streams.delivery.records import Attempt, DeadLetter, Delivery
from streams.delivery.replay_selection import DeliveryOutcome, delivery_outcome
from streams.delivery.subscription_history import SubscriptionHistory
from streams.errors import Poison
from streams.jobs.rate_limit import StopCallback, StoppedEarly
from streams.kafka.clients import Connection
from streams.kafka.external_sort import ScanFrom, sort_on_disk
from streams.kafka.log_reader import partition_of_key, read_batches, record_time, time_range
from streams.kafka.records import record_of
from streams.reconcile.reconciliation import DEAD, DELIVERED, MADE, REPLAYED, Mark, MarkMaker, RecordPlace
from streams.stages.context import Record
from streams.topics import ATTEMPTS, DEAD_LETTERS, DELIVERIES


@contextmanager
def outcome_lookup(
    connection: Connection,
    subscription_id: str,
    since: datetime | None,
    folder: Path,
    over: StopCallback = lambda: False,
) -> Iterator[Callable[[str], DeliveryOutcome]]:
    """A function from delivery id to outcome, by the records appended since `since`. They are read at its
    first call, which raises Retryable, and StoppedEarly if `over` says so before all are read."""
    with ExitStack() as stack:
        scan: ScanFrom | None = None

        def outcome_of(delivery_id: str) -> DeliveryOutcome:
            nonlocal scan
            if scan is None:
                marks = _read_marks(connection, subscription_id, since, over)
                scan = stack.enter_context(sort_on_disk(marks, folder))
            return _find_fate(scan, delivery_id)

        yield outcome_of


def _find_fate(scan: ScanFrom, delivery_id: str) -> DeliveryOutcome:
    id_ = UUID(delivery_id).bytes
    count: Counter[bytes] = Counter()
    for key, _ in scan(id_):
        if key[:16] != id_:
            break
        count[key[16:17]] += 1
    return delivery_outcome(count[MADE] + count[REPLAYED], count[DELIVERED], count[DEAD])


def _read_marks(
    connection: Connection, subscription_id: str, since: datetime | None, over: StopCallback
) -> Iterator[Mark]:
    key = subscription_id.encode()
    for topic in (DELIVERIES, ATTEMPTS, DEAD_LETTERS):
        partition = partition_of_key(connection, topic, subscription_id)
        for messages in read_batches(connection, time_range(connection, topic, since, None, partition)):
            if over():
                raise StoppedEarly
            for message in messages:
                if message.key() == key:
                    yield from _marks_of(record_of(message, topic.name), record_time(message))


def _marks_of(record: Record, appended_at: datetime) -> Iterator[Mark]:
    marks, place = MarkMaker(SubscriptionHistory()), RecordPlace(record.partition, record.offset, appended_at)
    try:
        match record.topic:
            case DELIVERIES.name:
                yield from marks.delivery(avro.decode(Delivery, record.value, record.schema), place)
            case ATTEMPTS.name:
                yield from marks.attempt(avro.decode(Attempt, record.value, record.schema), place)
            case _:
                yield from marks.dead_letter(avro.decode(DeadLetter, record.value, record.schema), place)
    except Poison:
        # The sink put it into poison: it was never sent.
        return

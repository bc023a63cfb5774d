"""Skips batches that the client cannot unpack. It says where such a batch begins, not where the next one
does.

A broker looks at a batch's compressed size alone: 5 kB of zeros unpack to 150 MB, which the client refuses
(its bound is `receive.message.max.bytes`, see `clients`). It asks for the same batch for ever. So the start
of the next one is searched for: a fetch from any offset inside a batch returns that batch's error.
"""

import logging
from collections.abc import Callable, Collection, Iterable

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from streams.errors import Retryable
from streams.kafka.clients import READ_TO_END, Connection
from streams.kafka.cluster import Consumer
from streams.kafka.consumer_offsets import read_watermarks
from streams.kafka.transient_errors import is_transient, retry_transient

LOG = logging.getLogger(__name__)
ANSWER_TIMEOUT = 20.0
_IDLE = 0.5
OVERSIZED_ERRORS = {KafkaError._BAD_COMPRESSION, KafkaError.MSG_SIZE_TOO_LARGE}
"""Whole, as its producer made it, and too large: no producer of ours makes such a batch."""
UNREADABLE_ERRORS = OVERSIZED_ERRORS | {
    KafkaError._BAD_MSG,
    KafkaError._UNDERFLOW,
    KafkaError._NOT_IMPLEMENTED,
    KafkaError._UNSUPPORTED_FEATURE,
    KafkaError.INVALID_RECORD,
    KafkaError.UNSUPPORTED_COMPRESSION_TYPE,
}


def is_unreadable(message: Message, codes: Collection[int] = UNREADABLE_ERRORS) -> bool:
    """Whether it says of a batch that it cannot be given, and where that stands."""
    error, offset = message.error(), message.offset()
    stands = bool(message.topic()) and offset is not None and offset >= 0
    return stands and error is not None and error.code() in codes


def batch_failure(message: Message) -> KafkaException:
    """Says where the batch stands."""
    error = message.error()
    assert error is not None, "it is an error's message"  # noqa: S101
    place = f"{message.topic()}[{message.partition()}] at offset {message.offset()}"
    return KafkaException(KafkaError(error.code(), f"{place} cannot be read: {error.str()}"))


def find_batch_end(connection: Connection, message: Message) -> int:
    """Where the next batch begins. Raises KafkaException, Retryable where the cluster does not answer."""
    place = TopicPartition(message.topic() or "", message.partition() or 0)
    first = message.offset() or 0
    # Batches are looked for, whether or not their transactions are decided.
    own = {"group.id": f"{connection.prefix}reader", "isolation.level": "read_uncommitted"}
    consumer = connection.open_consumer(**READ_TO_END, **own)
    try:
        bounds = retry_transient(
            connection.cluster, lambda: read_watermarks(consumer, place, ANSWER_TIMEOUT), ANSWER_TIMEOUT
        )

        def inside(offset: int) -> bool:
            asked = TopicPartition(place.topic, place.partition, offset)
            return offset < bounds[1] and _is_inside(connection, consumer, asked, first)

        return _first_outside(first, inside)
    finally:
        consumer.close()


def _first_outside(first: int, inside: Callable[[int], bool]) -> int:
    """By steps that double, then by halves: a batch of a million records takes forty questions."""
    step = 1
    while inside(first + step):
        step *= 2
    within, outside = first + step // 2, first + step
    while outside - within > 1:
        middle = (within + outside) // 2
        within, outside = (middle, outside) if inside(middle) else (within, middle)
    return outside


def _is_inside(connection: Connection, consumer: Consumer, asked: TopicPartition, first: int) -> bool:
    """Whether what is asked for brings the batch that begins at `first`."""
    consumer.assign([asked])
    until = connection.cluster.now() + ANSWER_TIMEOUT
    while connection.cluster.now() < until:
        message = consumer.poll(_IDLE)
        error = message.error() if message else None
        if message is None or (error is not None and is_transient(error)):
            continue
        if error is None or error.code() == KafkaError._PARTITION_EOF:
            return False
        if not is_unreadable(message):
            raise KafkaException(error)
        # Another one that cannot be read may follow it.
        return (message.offset() or 0) <= first
    raise Retryable(f"{asked.topic}[{asked.partition}] gave no answer in {ANSWER_TIMEOUT:g} s")


def skip_unreadable(
    connection: Connection,
    consumer: Consumer,
    messages: Iterable[Message],
    passed: Collection[int] = UNREADABLE_ERRORS,
) -> list[Message]:
    """Without those that say of a batch that it cannot be given: the consumer reads on behind it.

    Raises KafkaException, Retryable.
    """
    found, ends = [], dict[tuple[str, int], int]()
    for message in messages:
        if not is_unreadable(message, passed):
            found.append(message)
            continue
        place = message.topic() or "", message.partition() or 0
        # It is told again until the consumer reads elsewhere.
        if (message.offset() or 0) >= ends.get(place, 0):
            ends[place] = skip_batch(connection, consumer, message)
    return found


def skip_batch(connection: Connection, consumer: Consumer, message: Message) -> int:
    """Lets the consumer read on behind the batch, with a line in the log. Returns where that is. Raises
    KafkaException, Retryable."""
    end = find_batch_end(connection, message)
    LOG.error("poison: %s; passed over up to offset %d", batch_failure(message).args[0].str(), end)
    consumer.seek(TopicPartition(message.topic() or "", message.partition() or 0, end))
    return end

"""The changelogs of the state's next generation, written by one command of the cluster at a time."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.codec import avro
from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.kafka.log_reader import outage_as_retryable
from streams.kafka.transactions import run_transaction
from streams.state_version import STATE_KEY, Generation
from streams.tables.store import Write
from streams.topics import CHANGELOGS, GENERATIONS

ANSWER_TIMEOUT = 30.0
BATCH_WRITES = 5000
_REPLACED = (
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.FENCED_INSTANCE_ID,
    KafkaError.REBALANCE_IN_PROGRESS,
)


class ChangelogWriter:
    """To make one fences any other: that fails at its next step. `timeout` in seconds: after it Kafka aborts
    what was left open."""

    def __init__(self, connection: Connection, timeout: int) -> None:
        """`connection` is of the generation that is written."""
        self.connection = connection
        self._producer = connection.open_producer(
            **{
                "transactional.id": f"{connection.prefix}renewal",
                "transaction.timeout.ms": timeout * 1000,
                "delivery.timeout.ms": timeout * 1000,
                "queue.buffering.max.messages": 10 * BATCH_WRITES,
            }
        )
        with outage_as_retryable("the transaction's coordinator"):
            self._producer.init_transactions(ANSWER_TIMEOUT)

    def publish(self, partition: int, writes: Iterable[Write]) -> int:
        """Returns how many they were, once all are committed. Raises Retryable."""
        count = 0
        for some in _slices(iter(writes)):
            with (
                outage_as_retryable("the next generation's changelogs"),
                run_transaction(self._producer, ANSWER_TIMEOUT),
            ):
                for table, key, value in some:
                    topic = self.connection.topic(CHANGELOGS[table])
                    self._producer.produce(topic, value, key, partition)
            count += len(some)
        return count

    def settle(self, generation: Generation, offsets: Sequence[TopicPartition], member: object) -> None:
        """From now on `generation` is the present one: all at once, or not at all where `member` has lost its
        place in the group meanwhile. Raises Retryable."""
        value, schema = avro.encode(generation)
        topic = self.connection.topic(GENERATIONS)
        try:
            with run_transaction(self._producer, ANSWER_TIMEOUT):
                self._producer.produce(topic, value, STATE_KEY, headers=[(avro.HEADER, schema.encode())])
                self._producer.send_offsets_to_transaction(list(offsets), member, ANSWER_TIMEOUT)
        except KafkaException as failure:
            if failure.args[0].code() in _REPLACED:
                raise Retryable("not switched: a worker came meanwhile: stop it, and run it again") from None
            raise Retryable(
                f"the state is not switched, or cannot be seen to be: {failure.args[0].str()}: run it again"
            ) from None


def _slices(writes: Iterator[Write]) -> Iterator[list[Write]]:
    while some := list(islice(writes, BATCH_WRITES)):
        yield some

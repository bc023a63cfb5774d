"""Writing a control topic by compare-and-set: of all processes, one writes it at a moment.

The writers of a topic share one transactional id. Whoever takes it fences the one before, and waits until
what that left open is decided; from then on nobody can commit without fencing us. So what we read after
taking it is what our change is made to, or our commit fails.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from streams.codec import avro
from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.kafka.cluster import Producer
from streams.kafka.log_reader import open_reader
from streams.kafka.transient_errors import is_transient
from streams.topics import Topic

ANSWER_TIMEOUT = 10.0
TRANSACTION_TIMEOUT_MS = 10_000
"""After it Kafka aborts what a writer that is gone left open; its successor does so at once."""
RETRY_SECONDS = 0.05
EncodedValue = tuple[bytes, str]
"""A value's bytes, and its schema's header."""


class WriterFenced(Exception):
    """Another process has taken the topic, and nothing was written."""


class ControlWriter:
    """Of one control topic. Every method blocks, and is called by one thread at a time."""

    def __init__(self, connection: Connection, topic: Topic) -> None:
        self._connection = connection
        self._topic = topic
        self._name = connection.topic(topic)
        self._producer: Producer | None = None

    def take(self) -> None:
        """From now on, only what we write is committed; until somebody else takes it. Raises Retryable."""
        if self._producer is not None:
            return
        producer = self._connection.open_producer(
            **{
                "transactional.id": f"{self._name}-writer",
                "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS,
                "delivery.timeout.ms": TRANSACTION_TIMEOUT_MS,
                "linger.ms": 0,
                # 100 ms otherwise, of which a writer that ends another's transaction waits several.
                "retry.backoff.ms": 20,
                # To be fenced is nothing to report.
                "log_level": 0,
            }
        )
        try:
            _retried(producer.init_transactions, ANSWER_TIMEOUT)
        except KafkaException as failure:
            raise Retryable(f"{self._name} cannot be written: {failure.args[0].str()}") from None
        self._producer = producer

    def append(self, records: Mapping[str, EncodedValue | None]) -> int:
        """By key, all or none; None is a tombstone. Returns the offset of the last, once they are committed.

        Raises Fenced where nothing was written for somebody took the topic, and Retryable where it was
        perhaps written.
        """
        if self._producer is None:
            raise WriterFenced
        offset: int | None = None
        try:
            with _fatal_errors():
                self._producer.begin_transaction()
                offset = self._appended(self._producer, records)
                _retried(self._producer.commit_transaction, ANSWER_TIMEOUT)
        except KafkaException as failure:
            return self._settled(failure, offset)
        return offset

    def _appended(self, producer: Producer, records: Mapping[str, EncodedValue | None]) -> int:
        reports: list[tuple[KafkaError | None, Message]] = []
        for key, record in records.items():
            data, headers = (record[0], [(avro.HEADER, record[1].encode())]) if record else (None, None)
            producer.produce(
                self._name,
                data,
                key.encode(),
                0,
                on_delivery=lambda error, message: reports.append((error, message)),
                headers=headers,
            )
        producer.flush(ANSWER_TIMEOUT)
        failed = next((error for error, _ in reports if error is not None), None)
        if failed is not None or len(reports) < len(records):
            raise KafkaException(failed or KafkaError(KafkaError._TIMED_OUT))
        return max(message.offset() or 0 for _, message in reports)

    def _settled(self, failure: KafkaException, offset: int | None) -> int:
        """The offset after all, where the commit had come to pass before its answer was lost."""
        self.let_go()
        if offset is None:
            # It was never asked to be committed, and never will be.
            raise WriterFenced from None
        self.take()
        try:
            there = self._committed(offset)
        except KafkaException:
            raise Retryable(f"{self._name}: perhaps not written: {failure.args[0].str()}") from None
        if there:
            return offset
        raise WriterFenced from None

    def _committed(self, offset: int) -> bool:
        """Whether readers are given the record. To be asked once nothing is left open."""
        with open_reader(self._connection) as consumer:
            consumer.assign([TopicPartition(self._name, 0, offset)])
            deadline = time.monotonic() + ANSWER_TIMEOUT
            while time.monotonic() < deadline:
                message = consumer.poll(1.0)
                error = message.error() if message else None
                if error is not None and error.code() != KafkaError._PARTITION_EOF and is_transient(error):
                    continue
                if message is not None:
                    # An aborted record is passed over: the end comes, or a later record.
                    return error is None and message.offset() == offset
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    def let_go(self) -> None:
        """Ends what is open, as far as that can be done, and forgets that the topic was taken."""
        producer, self._producer = self._producer, None
        if producer:
            with suppress(KafkaException), _fatal_errors():
                producer.abort_transaction(1.0)


@contextmanager
def _fatal_errors() -> Iterator[None]:
    """As KafkaException: the client raises them in the middle of its callbacks, and Python then knows no more
    than that something was raised where nothing may be (confluent-kafka, `cfl_PyErr_Fatal`)."""
    try:
        yield
    except SystemError:
        raise KafkaException(KafkaError(KafkaError._FENCED)) from None


def _retried(step: Callable[[float], None], seconds: float) -> None:
    """Until it is done, or its error is none that may pass, or the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return step(max(0.1, deadline - time.monotonic()))
        except KafkaException as failure:
            if not failure.args[0].retriable() or time.monotonic() > deadline:
                raise
            time.sleep(RETRY_SECONDS)

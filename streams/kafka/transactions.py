"""Commits all that a batch leaves in one Kafka transaction: outputs, changelog records and offsets."""

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from streams.codec import avro
from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.kafka.cluster import Producer
from streams.kafka.transient_errors import is_transient, retry_transient
from streams.secrets import crypto_shredding
from streams.stages.context import Output, StageContext
from streams.tables.store import Write
from streams.topics import CHANGELOGS

LOG = logging.getLogger(__name__)
CommittedChanges = tuple[list[Write], dict[str, int]]
"""A turn's changes, and by table where its changelog ends behind them."""

# Seconds for one try of a step; asked again, the client goes on from where it is.
ANSWER_TIMEOUT = 5.0
# Seconds for the offsets, in one try: where they run out, the client gives the transaction up. The move of a
# coordinator was seen to take 9 to 12. Now and then librdkafka 2.16 waits for the old one until that is back.
OFFSETS_TIMEOUT = 12.0
# Seconds after the end of a try's time within which it must have come back.
RETURN_TIMEOUT = 2.0
# Seconds between the tries of a step that a busy or absent broker refused.
RETRY_SECONDS = 0.1


class TransactionalProducer:
    """One transactional producer. `name` is kept over restarts: making it fences the predecessor of the same
    name and aborts what that left open. `timeout` in seconds."""

    def __init__(self, connection: Connection, name: str, timeout: int) -> None:
        self._cluster = connection.cluster
        self._connection = connection
        self._name = name
        self._timeout = timeout
        self._comes_back_at = math.inf
        self._producer = connection.open_producer(
            **{
                "transactional.id": name,
                "transaction.timeout.ms": timeout * 1000,
                # librdkafka takes no longer one: a record cannot outlive its transaction.
                "delivery.timeout.ms": timeout * 1000,
                # `flush`, which ends every batch, sends at once whatever still waits: no record waits for
                # this. But a batch of 8,000 records goes in 33 requests instead of 54.
                "linger.ms": 50,
                # So that it has forgotten where the group's coordinator was when there is another one:
                # librdkafka 2.16 would wait for the old one.
                "metadata.max.age.ms": 4_000,
                "topic.metadata.refresh.interval.ms": 3_000,
            }
        )
        self._begin()

    def _begin(self) -> None:
        """Nothing is under way yet: it may be asked again, also after what librdkafka says is no use."""
        retry_transient(
            self._cluster, lambda: self._producer.init_transactions(ANSWER_TIMEOUT), self._timeout
        )

    @property
    def stuck(self) -> bool:
        """Whether the client should have come back from a step of `commit`, and has not: when coordinators
        went away in the middle, it was seen to wait for ever in spite of its own limits."""
        return self._cluster.now() > self._comes_back_at

    def commit(
        self, turns: list[StageContext], offsets: list[TopicPartition], member: Callable[[], object]
    ) -> list[CommittedChanges]:
        """Outputs, changes and offsets, all or none. `member` says who we are in the consumers' group.

        There must be offsets: without any, Kafka would not ask the group whether we still belong to it.

        Raises Retryable once the transaction is aborted; the process must not go on after that.
        """
        changes = [list(turn.tables.changelog()) for turn in turns]
        # The coordinator's clock begins with the first record: what takes longer has been aborted.
        deadline = self._cluster.now() + self._timeout
        try:
            while (
                ends := self._sent(turns, changes, partial(self._send_offsets, offsets, member), deadline)
            ) is None:
                self._cluster.sleep(RETRY_SECONDS)
            self._retried(self._producer.commit_transaction, ANSWER_TIMEOUT, deadline)
        except KafkaException as failure:
            self._abort()
            error = failure.args[0]
            raise Retryable(
                f"{self._name}: its transaction is aborted: {error.str()} ({error.name()})"
            ) from None
        return list(zip(changes, ends, strict=True))

    def _sent(
        self,
        turns: list[StageContext],
        changes: list[list[Write]],
        send_offsets: Callable[[float], None],
        deadline: float,
    ) -> list[dict[str, int]] | None:
        """Sends all but the commit. Returns where changelogs end; None: it is aborted, to be sent again."""
        self._producer.begin_transaction()
        try:
            for turn in turns:
                for output in turn.outputs:
                    self._append(output)
            ends = [
                self._append_changes(turn.partition, made) for turn, made in zip(turns, changes, strict=True)
            ]
            # All of it is in the log before the offsets are: a successor that sees the offsets decided can
            # trust the changelog's end.
            self._tried(self._producer.flush, self._timeout)
            self._retried(send_offsets, OFFSETS_TIMEOUT, deadline)
        except KafkaException as failure:
            if not self._may_be_sent_again(failure, deadline):
                raise
            return None
        return ends

    def _may_be_sent_again(self, failure: KafkaException, deadline: float) -> bool:
        """Whether what had it aborted passes, such as a coordinator's move. Nobody has been asked to commit
        it, and who is fenced learns so from the next one."""
        error = failure.args[0]
        if not error.txn_requires_abort() or not is_transient(error) or self._cluster.now() > deadline:
            return False
        LOG.warning("%s: sent again: %s", self._name, error.str())
        self._retried(self._producer.abort_transaction, ANSWER_TIMEOUT, deadline)
        return True

    def _append(self, output: Output) -> None:
        value, headers = None, []
        if output.encoded is not None:
            value, header = output.encoded
            headers = [(avro.HEADER, header.encode())]
        if output.personal is not None:
            headers.append((crypto_shredding.HEADER, output.personal))
        self._produce(
            self._connection.topic(output.topic),
            value,
            output.key.encode(),
            -1 if output.partition is None else output.partition,
            headers=headers,
        )

    def _append_changes(self, number: int, changes: list[Write]) -> dict[str, int]:
        """Returns, once flushed, the offset after each table's last record."""
        last = {table: index for index, (table, _, _) in enumerate(changes)}
        ends: dict[str, int] = {}
        for index, (table, key, value) in enumerate(changes):
            topic = self._connection.topic(CHANGELOGS[table])
            if index == last[table]:
                self._produce(topic, value, key, number, on_delivery=_noted(ends, table))
            else:
                self._produce(topic, value, key, number)
        return ends

    def _produce(self, topic: str, value: bytes | None, key: bytes, partition: int, **more: Any) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, partition, **more)
            except BufferError:
                # The client's queue is full: let the broker take some.
                self._producer.poll(RETRY_SECONDS)
            else:
                return

    def _send_offsets(
        self, offsets: list[TopicPartition], member: Callable[[], object], within: float
    ) -> None:
        self._producer.send_offsets_to_transaction(offsets, member(), within)

    def _retried(self, step: Callable[[float], object], within: float, deadline: float) -> None:
        """Until the transaction would have timed out: a cluster that is away so long has aborted it."""
        while True:
            try:
                self._tried(step, within)
            except KafkaException as failure:
                if not failure.args[0].retriable() or self._cluster.now() > deadline:
                    raise
                LOG.warning("%s: %s", self._name, failure.args[0].str())
                self._cluster.sleep(RETRY_SECONDS)
            else:
                return

    def _tried(self, step: Callable[[float], object], within: float) -> None:
        self._comes_back_at = self._cluster.now() + within + RETURN_TIMEOUT
        try:
            step(within)
        finally:
            self._comes_back_at = math.inf

    def _abort(self) -> None:
        # Best effort: where it fails too, the broker aborts when the transaction times out or the successor
        # of the same name begins.
        with suppress(KafkaException):
            self._producer.abort_transaction(ANSWER_TIMEOUT)


@contextmanager
def run_transaction(producer: Producer, answers_within: float) -> Iterator[None]:
    """Commits everything that the block appends, or aborts it when the block or the commit raises."""
    producer.begin_transaction()
    try:
        yield
        producer.commit_transaction(answers_within)
    except BaseException:
        # Left open, it would hold up the readers of these partitions until it times out.
        with suppress(KafkaException):
            producer.abort_transaction(answers_within)
        raise


def _noted(ends: dict[str, int], table: str) -> Callable[[KafkaError | None, Message], None]:
    def note(error: KafkaError | None, message: Message) -> None:
        offset = message.offset()
        if error is None and offset is not None:
            ends[table] = offset + 1

    return note

"""Keeps copies of the partitions that other processes own, so that taking one over restores a short tail
only."""

import logging
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field

from confluent_kafka import KafkaException, Message, TopicPartition

from streams.errors import Retryable
from streams.kafka.clients import FOLLOW_TO_END, Connection
from streams.kafka.cluster import Consumer
from streams.kafka.offsets import Cancelled
from streams.kafka.transient_errors import is_transient
from streams.runtime.restore import (
    POLL_SECONDS,
    READ_BATCH,
    ChangelogReader,
    open_changelog_consumer,
    skip_oversized,
)
from streams.tables.tables import Tables

LOG = logging.getLogger(__name__)
CHECK_INTERVAL = 600.0
"""Seconds. A copy says as of when it was whole last: one that has rested for too long is of no use."""


@dataclass(slots=True, eq=False)
class _Copy:
    """Whoever writes to the tables holds the lock."""

    tables: Tables | None
    lock: AbstractContextManager[object]
    changelogs: ChangelogReader | None = None
    places: list[TopicPartition] = field(default_factory=list)
    caught_up: bool = False
    look_at: float = 0.0
    """When to ask next where its changelogs end."""


class Standby:
    """Follows changelogs on a thread of its own, with checkpoints, as a restore does.

    `opened` gives a partition's tables. What is kept here is written by nobody else, until it is taken.
    """

    def __init__(self, connection: Connection, opened: Callable[[int], Tables]) -> None:
        self._connection = connection
        self._opened = opened
        self._kept: dict[int, _Copy] = {}
        self._read: dict[int, _Copy] = {}
        self._stopping = False
        self._pool = connection.cluster.executor("standby")
        self.running: Future[None] = self._pool.submit(self._run)
        """Done when the following has ended; with what ended it."""

    def keep(self, number: int, tables: Tables | None = None) -> None:
        """Follow the partition from now on; its tables are opened unless they are given."""
        self._kept[number] = _Copy(tables, self._connection.cluster.lock())

    def take(self, number: int) -> Tables | None:
        """The partition's tables, not followed any more; None where they are not open."""
        copy = self._kept.pop(number, None)
        if copy is None:
            return None
        with copy.lock:
            return copy.tables

    def check(self) -> None:
        """Raises what ended the following."""
        if self.running.done():
            self.running.result()

    def stop(self) -> None:
        """Closes the tables that were not taken."""
        self._stopping = True
        self._pool.shutdown()
        for number in list(self._kept):
            tables = self.take(number)
            if tables:
                tables.close()

    def _run(self) -> None:
        consumer = open_changelog_consumer(self._connection, reset="error", to_end=FOLLOW_TO_END)
        try:
            while not self._stopping:
                self._assign(consumer)
                first = consumer.poll(POLL_SECONDS)
                if first is not None:
                    self._take(
                        skip_oversized(self._connection, consumer, [first, *consumer.consume(READ_BATCH, 0)])
                    )
        finally:
            consumer.close()

    def _assign(self, consumer: Consumer) -> None:
        """Read what is kept. Always before a poll: what that gives belongs to the copies of this moment."""
        for number, copy in list(self._read.items()):
            if self._kept.get(number) is not copy:
                consumer.incremental_unassign(self._read.pop(number).places)
        for number, copy in list(self._kept.items()):
            if number not in self._read:
                self._begin(consumer, number, copy)
            self._look(copy)

    def _begin(self, consumer: Consumer, number: int, copy: _Copy) -> None:
        def taken() -> bool:
            return self._stopping or self._kept.get(number) is not copy

        with copy.lock:
            if taken():
                return
            copy.tables = copy.tables or self._opened(number)
            try:
                copy.changelogs = ChangelogReader(self._connection, number, copy.tables, taken)
            except Cancelled:
                return
        copy.look_at = self._connection.cluster.now() + CHECK_INTERVAL
        copy.places = copy.changelogs.places()
        consumer.incremental_assign(copy.places)
        self._read[number] = copy

    def _look(self, copy: _Copy) -> None:
        with copy.lock:
            if copy.tables is None or copy.changelogs is None:
                return
            copy.tables.check()
            if self._connection.cluster.now() < copy.look_at:
                return
            copy.look_at = self._connection.cluster.now() + CHECK_INTERVAL
            # Where nobody answers now it is asked again in a while: the copy is followed all the same.
            with suppress(Retryable, Cancelled):
                copy.changelogs.ask_again(within=0.0)
            copy.changelogs.confirm_if_whole()

    def _take(self, messages: list[Message]) -> None:
        by_partition: defaultdict[int, list[Message]] = defaultdict(list)
        for message in messages:
            error, number = message.error(), message.partition()
            if number is not None and number in self._read:
                by_partition[number].append(message)
            elif error is not None and not is_transient(error):
                raise KafkaException(error)
        for number, found in by_partition.items():
            self._follow(number, self._read[number], found)

    def _follow(self, number: int, copy: _Copy, messages: list[Message]) -> None:
        with copy.lock:
            if self._kept.get(number) is not copy or copy.changelogs is None or copy.tables is None:
                return
            copy.changelogs.take(messages)
            copy.changelogs.confirm_if_whole()
            if copy.changelogs.ended and not copy.caught_up:
                if not copy.tables.indexed:
                    copy.tables.index()
                copy.caught_up = True
                taken = copy.changelogs.taken
                LOG.info("partition %d: a copy is kept, %d changelog records so far", number, taken)

"""The delivery log of this process, on disk: built from `deliveries`, `attempts` and `dead-letters`.

It is rebuilt from the topics if its folder is missing or has another layout. While it is behind, its methods
raise Retryable; nobody else waits for it.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from streams.codec import avro
from streams.delivery.delivery_search import (
    DeliveryDetails,
    DeliveryPage,
    DeliverySearch,
    SubscriptionCounters,
)
from streams.delivery.delivery_state import DeliveryState, RecordPosition
from streams.delivery.records import DeadLetter, Delivery
from streams.errors import Poison, Retryable
from streams.kafka.clients import Connection
from streams.kafka.end_offsets import EndOffsets
from streams.kafka.log_reader import OffsetRange, read_records
from streams.kafka.read_barrier import ReadBarrier
from streams.projections.delivery_log_feed import TOPICS, DeliveryLogFeed
from streams.projections.member_replica import CATCH_UP_TIMEOUT
from streams.tables.delivery_log import DeliveryLog
from streams.tables.delivery_log_keys import FAMILIES
from streams.tables.delivery_log_reader import DeliveryLogReader
from streams.tables.store import open_store
from streams.topics import DEAD_LETTERS, DELIVERIES, Topic

FOLDER = "journal-1"
"""The number is the version of the layout on disk."""
RETRY_SECONDS = 1.0


class FollowedDeliveryLog:
    """Reads the topics from its creation on. Create it in the asking event loop. `count`: partitions of each
    topic."""

    def __init__(self, connection: Connection, directory: Path, count: int) -> None:
        self._connection = connection
        self._places = [(connection.topic(topic), number) for topic in TOPICS for number in range(count)]
        self._store = open_store(directory / FOLDER, FAMILIES)
        self._reader = DeliveryLogReader(self._store)
        self._arrivals = ReadBarrier(EndOffsets(connection))
        self._feed = DeliveryLogFeed(
            connection,
            DeliveryLog(self._store),
            lambda name, number, at: self._arrivals.read((name, number), at),
        )
        self.caught_up = False
        """Whether everything is read that was committed at the start."""
        self._catching_up = asyncio.create_task(self._catch_up(), name="journal")

    @property
    def progress(self) -> tuple[int, int]:
        """Offsets read since the start, and how many there were to read then."""
        return self._feed.progress

    async def complete(self) -> None:
        """Returns once everything is read that was committed at the start."""
        await asyncio.shield(self._catching_up)

    async def _catch_up(self) -> None:
        while not self.caught_up:
            try:
                await self._arrivals.all(self._places)
                self.caught_up = True
            except Retryable:
                # The cluster does not answer for a moment; nobody waits for this task.
                await asyncio.sleep(RETRY_SECONDS)

    async def failed(self) -> NoReturn:
        """Raises the error that ended the reading; never returns."""
        await asyncio.wrap_future(self._feed.running)
        raise AssertionError("the reading was stopped while it was being watched")

    async def stop(self) -> None:
        self._catching_up.cancel()
        await asyncio.to_thread(self._feed.stop)
        self._store.close()

    async def current(self) -> None:
        """Returns once everything is read that was committed before the call. Raises Retryable after 5 s."""
        self._require_caught_up()
        try:
            await asyncio.wait_for(self._arrivals.all(self._places), CATCH_UP_TIMEOUT)
        except TimeoutError:
            raise Retryable("what was committed of deliveries is not all here yet") from None

    async def search(self, asked: DeliverySearch) -> DeliveryPage:
        """Searches what has been read so far. Raises Retryable until the start's records are read."""
        self._require_caught_up()
        return await asyncio.to_thread(self._reader.search, asked)

    async def one(self, store: str, delivery_id: str) -> DeliveryDetails | None:
        """A delivery with its body, which is read from its topic; None if that store has none of that id."""
        self._require_caught_up()
        found = self._reader.one(store, delivery_id)
        return (
            None
            if found is None
            else DeliveryDetails(*found, await asyncio.to_thread(self._read_delivery, found[0]))
        )

    async def counters(
        self, subscription_ids: Iterable[str], now: datetime, hours: int = 24
    ) -> dict[str, SubscriptionCounters]:
        """The counters of each subscription, by its id."""
        self._require_caught_up()
        ids = list(subscription_ids)
        # Each takes dozens of reads: other requests must not wait for a store with many subscriptions.
        return await asyncio.to_thread(lambda: {id_: self._reader.counters(id_, now, hours) for id_ in ids})

    async def ahead_of(self, known: DeliveryState) -> DeliveryState | None:
        """An unfinished delivery of the same subscription and member that began before `known`."""
        self._require_caught_up()
        return self._reader.ahead_of(known)

    def _require_caught_up(self) -> None:
        if not self.caught_up:
            done, total = self.progress
            raise Retryable(f"the journal of deliveries is still read: {done:,} of {total:,} records")

    def _read_delivery(self, known: DeliveryState) -> Delivery | None:
        """The delivery as it was last made; from its dead letter if its own record is no longer kept."""
        for topic, spot in ((DELIVERIES, known.delivery), (DEAD_LETTERS, known.letter)):
            if spot and (found := self._read_record(topic, spot)) and found.delivery_id == known.delivery_id:
                return found
        return None

    def _read_record(self, topic: Topic, spot: RecordPosition) -> Delivery | None:
        place = OffsetRange(topic, {spot.partition: (spot.offset, spot.offset + 1)})
        try:
            for record in read_records(self._connection, place):
                if topic is DEAD_LETTERS:
                    return avro.decode(DeadLetter, record.value, record.schema).delivery
                return avro.decode(Delivery, record.value, record.schema)
        except Poison:
            # The topic was deleted and created again.
            return None
        return None

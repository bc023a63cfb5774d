"""The journal of deliveries in this process: kept from `deliveries`, `attempts` and `dead-letters`, on disk.

It can be made again from the topics at any time: a folder that is gone, or of another layout, is. As long as
it is behind, whoever asks is told so; nobody else waits for it.
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
"""The number is the layout's."""
RETRY_SECONDS = 1.0


class FollowedDeliveryLog:
    """To be made in the event loop that asks; it follows from then on. `count`: partitions of each topic."""

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
        """Whether all is here that was there at the start."""
        self._catching_up = asyncio.create_task(self._catch_up(), name="journal")

    @property
    def progress(self) -> tuple[int, int]:
        """Offsets read since the start, and how many there were to read."""
        return self._feed.progress

    async def complete(self) -> None:
        """Returns once all is here that was there at the start."""
        await asyncio.shield(self._catching_up)

    async def _catch_up(self) -> None:
        while not self.caught_up:
            try:
                await self._arrivals.all(self._places)
                self.caught_up = True
            except Retryable:
                # The cluster is away for a moment; nobody waits here.
                await asyncio.sleep(RETRY_SECONDS)

    async def failed(self) -> NoReturn:
        """Raises what ended the following, and never returns."""
        await asyncio.wrap_future(self._feed.running)
        raise AssertionError("it was stopped while somebody watched over it")

    async def stop(self) -> None:
        self._catching_up.cancel()
        await asyncio.to_thread(self._feed.stop)
        self._store.close()

    async def current(self) -> None:
        """Returns once all is here that was committed before the call. Raises Retryable where that takes
        more than 5 s."""
        self._require()
        try:
            await asyncio.wait_for(self._arrivals.all(self._places), CATCH_UP_TIMEOUT)
        except TimeoutError:
            raise Retryable("what was committed of deliveries is not all here yet") from None

    async def search(self, asked: DeliverySearch) -> DeliveryPage:
        """As of what is here. Raises Retryable until all was read."""
        self._require()
        return await asyncio.to_thread(self._reader.search, asked)

    async def one(self, store: str, delivery_id: str) -> DeliveryDetails | None:
        """With its body, read from where it stands. None where that store has none of that id."""
        self._require()
        found = self._reader.one(store, delivery_id)
        return (
            None
            if found is None
            else DeliveryDetails(*found, await asyncio.to_thread(self._delivery, found[0]))
        )

    async def counters(
        self, subscription_ids: Iterable[str], now: datetime, hours: int = 24
    ) -> dict[str, SubscriptionCounters]:
        """By subscription."""
        self._require()
        ids = list(subscription_ids)
        # Dozens of looks for each: of a store with many, other requests must not wait for them.
        return await asyncio.to_thread(lambda: {id_: self._reader.counters(id_, now, hours) for id_ in ids})

    async def ahead_of(self, known: DeliveryState) -> DeliveryState | None:
        """A delivery of the same subscription and member that is not over and began before it."""
        self._require()
        return self._reader.ahead_of(known)

    def _require(self) -> None:
        if not self.caught_up:
            done, total = self.progress
            raise Retryable(f"the journal of deliveries is still read: {done:,} of {total:,} records")

    def _delivery(self, known: DeliveryState) -> Delivery | None:
        """As it was made last; from its dead letter where its record is not kept any more."""
        for topic, spot in ((DELIVERIES, known.delivery), (DEAD_LETTERS, known.letter)):
            if spot and (found := self._at(topic, spot)) and found.delivery_id == known.delivery_id:
                return found
        return None

    def _at(self, topic: Topic, spot: RecordPosition) -> Delivery | None:
        place = OffsetRange(topic, {spot.partition: (spot.offset, spot.offset + 1)})
        try:
            for record in read_records(self._connection, place):
                if topic is DEAD_LETTERS:
                    return avro.decode(DeadLetter, record.value, record.schema).delivery
                return avro.decode(Delivery, record.value, record.schema)
        except Poison:
            # The topic is another one than it was.
            return None
        return None

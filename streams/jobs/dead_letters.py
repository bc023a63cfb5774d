"""Dead letters and single deliveries of a subscription, listed and sent again from an event loop."""

import asyncio
import heapq
from collections.abc import Callable

from msgspec.structs import replace

from streams.delivery.records import DeadLetter, Delivery, Subscription
from streams.jobs.delivery_lookup import DeliveryLookup, StoredDelivery
from streams.jobs.event_reader import make_deadline
from streams.jobs.rate_limit import StoppedEarly
from streams.jobs.redrive import Redrive, RedriveCandidate, RedriveCount, count_candidates, read_candidates
from streams.jobs.redrive_sources import DeadLetterFilter, DeadLetterSource
from streams.kafka.clients import Connection
from streams.kafka.log_reader import full_range, partition_of_key
from streams.kafka.producer import RecordAppender
from streams.projections.erasures import erased_owners
from streams.stages.commands import owner_of
from streams.topics import DEAD_LETTERS, DELIVERIES

LOOKUP_TIMEOUT = 20.0


class DeadLetterStore:
    """Handles one call at a time, since each reads all dead letters of a partition. Every method raises
    Retryable."""

    def __init__(
        self, connection: Connection, appender: RecordAppender, subscribed: Callable[[str], bool]
    ) -> None:
        self._connection = connection
        self._appender = appender
        self._subscribed = subscribed
        self._turn = asyncio.Lock()

    def _source(self) -> DeadLetterSource:
        """The source, with the owners that are erased now."""
        return DeadLetterSource(self._subscribed, erased_owners(self._connection).__contains__)

    async def newest(
        self, subscription_id: str, wanted: DeadLetterFilter, most: int
    ) -> list[RedriveCandidate[DeadLetter]]:
        """The newest first, without their bodies."""
        async with self._turn:
            return await asyncio.to_thread(self._newest, subscription_id, wanted, most)

    def _newest(
        self, subscription_id: str, wanted: DeadLetterFilter, most: int
    ) -> list[RedriveCandidate[DeadLetter]]:
        partition = partition_of_key(self._connection, DEAD_LETTERS, subscription_id)
        there = map(_without_body, read_candidates(self._connection, self._source(), wanted, partition))
        return heapq.nlargest(most, there, key=lambda found: (found.record.given_up_at, found.id))

    async def count(self, subscription_id: str, wanted: DeadLetterFilter) -> RedriveCount:
        async with self._turn:
            return await asyncio.to_thread(self._count, subscription_id, wanted)

    def _count(self, subscription_id: str, wanted: DeadLetterFilter) -> RedriveCount:
        partition = partition_of_key(self._connection, DEAD_LETTERS, subscription_id)
        there = full_range(self._connection, DEAD_LETTERS, partition)
        return count_candidates(self._connection, self._source(), wanted, there)

    async def redrive(
        self, subscription_id: str, wanted: DeadLetterFilter, most: int
    ) -> tuple[RedriveCount, int]:
        """What could be sent, and how many were sent. If another process redrives at the same time, one of
        the two raises Retryable; nothing is sent twice."""
        async with self._turn:
            return await asyncio.to_thread(self._redrive, subscription_id, wanted, most)

    def _redrive(self, subscription_id: str, wanted: DeadLetterFilter, most: int) -> tuple[RedriveCount, int]:
        partition = partition_of_key(self._connection, DEAD_LETTERS, subscription_id)
        run = Redrive(self._connection, self._source(), wanted, partition)
        count = run.count()
        return count, run.run(lambda _: None, most) if count.to_send else 0

    async def kept(self, subscription: Subscription, delivery_id: str) -> StoredDelivery | None:
        """A delivery and what became of it; None if there is none or it is no longer kept. Raises
        TimeoutError if the lookup takes too long."""
        look = DeliveryLookup(self._connection, subscription, make_deadline(LOOKUP_TIMEOUT))
        async with self._turn:
            try:
                found = await asyncio.to_thread(look.kept, delivery_id)
            except StoppedEarly:
                raise TimeoutError from None
            return found and await asyncio.to_thread(self._mark_erased, found)

    def _mark_erased(self, found: StoredDelivery) -> StoredDelivery:
        owner = owner_of(found.delivery.store, found.delivery.member_id)
        return found._replace(erased=owner in erased_owners(self._connection))

    async def again(self, delivery: Delivery) -> None:
        """Appends the delivery to `deliveries`."""
        await self._appender.append(DELIVERIES, delivery.subscription_id, delivery)


def _without_body(found: RedriveCandidate[DeadLetter]) -> RedriveCandidate[DeadLetter]:
    letter = found.record
    short = replace(letter, delivery=replace(letter.delivery, data=""))
    return RedriveCandidate(found.id, short, found.redriven_at, found.hindered)

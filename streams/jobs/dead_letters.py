"""Dead letters and single deliveries of a subscription, listed and sent again beside an event loop."""

import asyncio
import heapq
from collections.abc import Callable

from msgspec.structs import replace

from streams.delivery.records import DeadLetter, Delivery, Subscription
from streams.jobs.delivery_lookup import DeliveryLookup, StoredDelivery
from streams.jobs.event_reader import make_deadline
from streams.jobs.rate_limit import StoppedEarly
from streams.jobs.redrive import Count, Found, Redrive, count_candidates, read_candidates
from streams.jobs.redrive_sources import DeadLetterSource, LettersWanted
from streams.kafka.clients import Connection
from streams.kafka.log_reader import full_range, partition_of_key
from streams.kafka.producer import RecordAppender
from streams.projections.erasures import erased
from streams.stages.commands import owner_of
from streams.topics import DEAD_LETTERS, DELIVERIES

LOOKUP_TIMEOUT = 20.0


class DeadLetterStore:
    """One thing at a time: each reads all dead letters of a partition. All of it raises Retryable."""

    def __init__(
        self, connection: Connection, appender: RecordAppender, subscribed: Callable[[str], bool]
    ) -> None:
        self._connection = connection
        self._appender = appender
        self._subscribed = subscribed
        self._one = asyncio.Lock()

    def _shelf(self) -> DeadLetterSource:
        """As of now: who is erased is read from its topic."""
        return DeadLetterSource(self._subscribed, erased(self._connection).__contains__)

    async def newest(self, subscription_id: str, wanted: LettersWanted, most: int) -> list[Found[DeadLetter]]:
        """Without their bodies; the newest first."""
        async with self._one:
            return await asyncio.to_thread(self._newest, subscription_id, wanted, most)

    def _newest(self, subscription_id: str, wanted: LettersWanted, most: int) -> list[Found[DeadLetter]]:
        partition = partition_of_key(self._connection, DEAD_LETTERS, subscription_id)
        there = map(_without_body, read_candidates(self._connection, self._shelf(), wanted, partition))
        return heapq.nlargest(most, there, key=lambda found: (found.record.given_up_at, found.id))

    async def count(self, subscription_id: str, wanted: LettersWanted) -> Count:
        async with self._one:
            return await asyncio.to_thread(self._count, subscription_id, wanted)

    def _count(self, subscription_id: str, wanted: LettersWanted) -> Count:
        partition = partition_of_key(self._connection, DEAD_LETTERS, subscription_id)
        there = full_range(self._connection, DEAD_LETTERS, partition)
        return count_candidates(self._connection, self._shelf(), wanted, there)

    async def redrive(self, subscription_id: str, wanted: LettersWanted, most: int) -> tuple[Count, int]:
        """What there was to send, and how many of it were sent. Where another process does so at the same
        time, one of them is told to do it again: nothing is sent twice."""
        async with self._one:
            return await asyncio.to_thread(self._redrive, subscription_id, wanted, most)

    def _redrive(self, subscription_id: str, wanted: LettersWanted, most: int) -> tuple[Count, int]:
        partition = partition_of_key(self._connection, DEAD_LETTERS, subscription_id)
        run = Redrive(self._connection, self._shelf(), wanted, partition)
        count = run.count()
        return count, run.run(lambda _: None, most) if count.to_send else 0

    async def kept(self, subscription: Subscription, delivery_id: str) -> StoredDelivery | None:
        """A delivery and what became of it; None: there is none, or it is not kept. Raises TimeoutError where
        it takes too long to look it up."""
        look = DeliveryLookup(self._connection, subscription, make_deadline(LOOKUP_TIMEOUT))
        async with self._one:
            try:
                found = await asyncio.to_thread(look.kept, delivery_id)
            except StoppedEarly:
                raise TimeoutError from None
            return found and await asyncio.to_thread(self._marked, found)

    def _marked(self, found: StoredDelivery) -> StoredDelivery:
        owner = owner_of(found.delivery.store, found.delivery.member_id)
        return found._replace(erased=owner in erased(self._connection))

    async def again(self, delivery: Delivery) -> None:
        """It is appended to the deliveries."""
        await self._appender.append(DELIVERIES, delivery.subscription_id, delivery)


def _without_body(found: Found[DeadLetter]) -> Found[DeadLetter]:
    letter = found.record
    short = replace(letter, delivery=replace(letter.delivery, data=""))
    return Found(found.id, short, found.redriven_at, found.hindered)

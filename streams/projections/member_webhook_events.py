"""One member's webhook events, read from their topic. It holds everybody's, so reading is bounded."""

import asyncio
from datetime import datetime

from streams.delivery.backfill_recipients import read_recipients
from streams.delivery.explain import PublishedEvent
from streams.delivery.subscription_history import SubscriptionHistory
from streams.errors import Poison
from streams.kafka.clients import Connection
from streams.kafka.log_reader import full_range, read_batches, record_time, time_range
from streams.kafka.partitioner import partition_of
from streams.kafka.records import record_of
from streams.reconcile.from_topics import decode_event, fanned_out, read_subscription_history
from streams.stages.commands import owner_of
from streams.stages.member_replay import TooManyFacts
from streams.topics import SUBSCRIPTIONS, WEBHOOK_EVENTS


class MemberWebhookEventReader:
    """Reads at most `most` records for an answer, one answer at a time: each scans part of a partition."""

    def __init__(self, connection: Connection, partitions: int, most: int) -> None:
        self._connection = connection
        self._partitions = partitions
        self._max_records = most
        self._turn = asyncio.Lock()

    async def of(
        self, store: str, member_id: str, since: datetime | None, until: datetime | None
    ) -> list[PublishedEvent]:
        """Those appended from `since` on and before `until`, in order.

        Raises TooMuch if too many records lie between, and Retryable if they cannot be read.
        """
        async with self._turn:
            return await asyncio.to_thread(self._read, store, owner_of(store, member_id), since, until)

    async def forms(self) -> SubscriptionHistory:
        """All versions of all subscriptions. Raises Retryable."""
        return await asyncio.to_thread(
            lambda: read_subscription_history(self._connection, full_range(self._connection, SUBSCRIPTIONS))
        )

    def _read(
        self, store: str, owner: str, since: datetime | None, until: datetime | None
    ) -> list[PublishedEvent]:
        key = owner.encode()
        number = partition_of(key, self._partitions)
        stretch = time_range(self._connection, WEBHOOK_EVENTS, since, until, number)
        if stretch.size > self._max_records:
            raise TooManyFacts(
                f"{stretch.size:,} webhook events would have to be read, at most {self._max_records:,} may be"
            )
        come_to = fanned_out(self._connection).get(number, -1)
        found = []
        for message in (
            m for some in read_batches(self._connection, stretch) for m in some if m.key() == key
        ):
            record = record_of(message, WEBHOOK_EVENTS.name)
            try:
                event, by = decode_event(record, store), read_recipients(record.headers)
            except Poison:
                # The fan-out put it into poison.
                continue
            if event:
                found.append(PublishedEvent(event, record_time(message), record.offset >= come_to, by))
        return found

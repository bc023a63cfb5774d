"""How many deliveries a replay would be of, counted beside an event loop."""

import asyncio
from pathlib import Path
from typing import NamedTuple

from streams.delivery.records import Subscription
from streams.delivery.replay_jobs import ReplayOrder
from streams.jobs.delivery_outcomes import fates
from streams.jobs.event_reader import Reread, within
from streams.jobs.rate_limit import CutShort
from streams.jobs.replay_job import COUNTED_WITHIN, selected
from streams.kafka.clients import Connection
from streams.kafka.log_reader import between
from streams.topics import WEBHOOK_EVENTS

LOOKED_UP_WITHIN = 20.0
"""Seconds in which all of a subscription's deliveries must have been read, where not all events are meant."""


class Recounted(NamedTuple):
    deliveries: int
    exact: bool
    offsets: int
    """How much of the topic of webhook events is to be read."""


class Recount:
    """One at a time: each reads as fast as it goes."""

    def __init__(self, connection: Connection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder
        self._one = asyncio.Lock()

    async def of(self, order: ReplayOrder, subscription: Subscription) -> Recounted | None:
        """None: it takes too long to look up what became of the deliveries. Raises Retryable."""
        async with self._one:
            return await asyncio.to_thread(self._counted, order, subscription)

    def _counted(self, order: ReplayOrder, subscription: Subscription) -> Recounted | None:
        id_, late = order.subscription_id, within(LOOKED_UP_WITHIN)
        stretch = between(self._connection, WEBHOOK_EVENTS, order.since, order.until)
        with fates(self._connection, id_, order.since, self._folder, late) as outcome_of:
            reread = Reread(
                self._connection, selected(self._connection, order, subscription, outcome_of), stretch
            )
            try:
                tally = reread.count(within(COUNTED_WITHIN))
            except CutShort:
                return None
        return Recounted(tally.deliveries, tally.exact, stretch.size)

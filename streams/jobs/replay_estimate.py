"""How many deliveries a replay would send, counted from an event loop."""

import asyncio
from pathlib import Path
from typing import NamedTuple

from streams.delivery.records import Subscription
from streams.delivery.replay_jobs import ReplayOrder
from streams.jobs.delivery_outcomes import outcome_lookup
from streams.jobs.event_reader import EventReader, make_deadline
from streams.jobs.rate_limit import StoppedEarly
from streams.jobs.replay_job import COUNT_TIMEOUT, make_selection
from streams.kafka.clients import Connection
from streams.kafka.log_reader import time_range
from streams.topics import WEBHOOK_EVENTS

LOOKUP_TIMEOUT = 20.0
"""Seconds within which the outcomes of a subscription's deliveries must be read, if only some are
replayed."""


class ReplayEstimate(NamedTuple):
    deliveries: int
    exact: bool
    offsets: int
    """How many offsets of `webhook-events` must be read."""


class ReplayEstimator:
    """Makes one estimate at a time, because each reads at full speed."""

    def __init__(self, connection: Connection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder
        self._turn = asyncio.Lock()

    async def of(self, order: ReplayOrder, subscription: Subscription) -> ReplayEstimate | None:
        """None if reading the deliveries' outcomes takes too long. Raises Retryable."""
        async with self._turn:
            return await asyncio.to_thread(self._count, order, subscription)

    def _count(self, order: ReplayOrder, subscription: Subscription) -> ReplayEstimate | None:
        id_, late = order.subscription_id, make_deadline(LOOKUP_TIMEOUT)
        stretch = time_range(self._connection, WEBHOOK_EVENTS, order.since, order.until)
        with outcome_lookup(self._connection, id_, order.since, self._folder, late) as outcome_of:
            reread = EventReader(
                self._connection, make_selection(self._connection, order, subscription, outcome_of), stretch
            )
            try:
                tally = reread.count(make_deadline(COUNT_TIMEOUT))
            except StoppedEarly:
                return None
        return ReplayEstimate(tally.deliveries, tally.exact, stretch.size)

"""The log of deliveries, as those who ask about deliveries need it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from streams.delivery.delivery_search import (
    DeliveryDetails,
    DeliveryPage,
    DeliverySearch,
    SubscriptionCounters,
)
from streams.delivery.delivery_state import DeliveryState


class DeliveryQueries(Protocol):
    """The journal. Each raises Retryable while it is not there."""

    async def current(self) -> None:
        """Returns once all is here that was committed before the call."""

    async def search(self, asked: DeliverySearch) -> DeliveryPage: ...

    async def one(self, store: str, delivery_id: str) -> DeliveryDetails | None:
        """None where that store has none of that id."""

    async def counters(
        self, subscription_ids: Iterable[str], now: datetime, hours: int = 24
    ) -> dict[str, SubscriptionCounters]:
        """By subscription."""

    async def ahead_of(self, known: DeliveryState) -> DeliveryState | None:
        """A delivery of the same subscription and member that is not over and began before it."""

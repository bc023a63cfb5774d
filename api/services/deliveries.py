"""The log of deliveries, as those who ask about deliveries need it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from streams.delivery.delivery_search import Counters, One, Page, Search
from streams.delivery.delivery_state import Known


class Deliveries(Protocol):
    """The journal. Each raises Retryable while it is not there."""

    async def current(self) -> None:
        """Returns once all is here that was committed before the call."""

    async def search(self, asked: Search) -> Page: ...

    async def one(self, store: str, delivery_id: str) -> One | None:
        """None where that store has none of that id."""

    async def counters(
        self, subscription_ids: Iterable[str], now: datetime, hours: int = 24
    ) -> dict[str, Counters]:
        """By subscription."""

    async def ahead_of(self, known: Known) -> Known | None:
        """A delivery of the same subscription and member that is not over and began before it."""

"""Deliveries on their way, on disk: one ordered lane per subscription and member."""

from datetime import datetime

from streams.delivery.records import Delivery
from streams.domain.state import Entry
from streams.domain.values import Instant


class Pending(Entry):
    """Owner: the subscription. The first of a lane is due; those behind it wait until it is done with.
    Of an unordered subscription each is due by itself."""

    table, letter = "pending", b"p"
    due_group_size = 36

    delivery: Delivery
    offset: int
    """Where the delivery stood on its partition: the order of the lane."""
    attempts: int = 0
    due_at: Instant | None = None
    waited: float = 0.0
    """Seconds between its tries so far, as the schedule had them."""

    def key(self) -> bytes:
        return self.delivery.member_id.encode() + self.offset.to_bytes(8, "big")

    @property
    def due(self) -> datetime | None:
        return self.due_at

    def due_group(self) -> bytes:
        # Endpoints do not wait for each other.
        return self.delivery.subscription_id.encode()

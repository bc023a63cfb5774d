"""Pending deliveries on disk: one ordered lane for each subscription and member."""

from datetime import datetime

from streams.delivery.records import Delivery
from streams.domain.state import Entry
from streams.domain.values import Instant


class Pending(Entry):
    """Owned by the subscription. The first delivery of a lane is due, and the others wait until it is
    delivered or given up. Each delivery of an unordered subscription is due by itself."""

    table, letter = "pending", b"p"
    due_group_size = 36

    delivery: Delivery
    offset: int
    """The delivery's offset on its partition, which orders the lane."""
    attempts: int = 0
    due_at: Instant | None = None
    waited: float = 0.0
    """Seconds that the schedule has made it wait so far."""

    def key(self) -> bytes:
        return self.delivery.member_id.encode() + self.offset.to_bytes(8, "big")

    @property
    def due(self) -> datetime | None:
        return self.due_at

    def due_group(self) -> bytes:
        # Endpoints do not wait for each other.
        return self.delivery.subscription_id.encode()

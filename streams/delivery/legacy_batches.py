"""Legacy bodies that are arrays, collected: one delivery of many items for a subscription and event.

Each partition of the webhook events collects for itself, so that a member's items stay in order. Its batches
of a subscription and event all go down one lane of the sink, whatever members are in them: they arrive in the
order in which they were closed.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace

from streams.delivery.records import Delivery
from streams.domain.ids import derived_id
from streams.domain.state import Change, Drop, Entry, State
from streams.domain.values import Instant, Text, Uuid
from streams.webhooks.legacy_shapes import MAX_ARRAY_ITEMS

MAX_BATCH_BYTES = 2 << 20
"""A batch with so many is closed: what comes of it must fit in a record, however long names are."""


class Batch(Entry):
    """Items that wait for more of them. Owner: the subscription."""

    table, letter = "batches", b"b"

    first: Delivery
    """The delivery of the first item, whose data stand with the items."""
    closes_at: Instant
    last_event_id: Uuid
    items: int = 0
    size: int = 0
    """Bytes of the items."""

    def key(self) -> bytes:
        return self.first.event_name.encode()

    @property
    def due(self) -> datetime | None:
        return self.closes_at


class Item(Entry):
    """One element of the array, as JSON."""

    table, letter = "batches", b"i"

    event_name: Text
    number: int
    data: str

    def key(self) -> bytes:
        return _prefix(self.event_name) + self.number.to_bytes(4, "big")


def is_collected(delivery: Delivery) -> bool:
    """Whether it waits for others: its body is an array, which only legacy ones are."""
    return delivery.legacy and delivery.data.startswith("[")


def collect_item(
    state: State, delivery: Delivery, now: datetime, window: timedelta
) -> Iterator[Batch | Item]:
    """The item of `delivery` joins those of its subscription and event; the first opens a batch, which is
    closed `window` later. `state` is the subscription's."""
    batch = state.get(Batch, delivery.event_name.encode()) or Batch(
        first=replace(delivery, data=""), closes_at=now + window, last_event_id=delivery.webhook_event_id
    )
    item = Item(event_name=delivery.event_name, number=batch.items, data=delivery.data[1:-1])
    yield item
    yield replace(
        batch,
        last_event_id=delivery.webhook_event_id,
        items=batch.items + 1,
        size=batch.size + len(item.data.encode()),
    )


def is_full(batch: Batch) -> bool:
    return batch.items >= MAX_ARRAY_ITEMS or batch.size >= MAX_BATCH_BYTES


def close_batch(state: State, batch: Batch) -> tuple[Delivery, list[Change]]:
    """The batch as one delivery, and what is left of it in `state`: nothing.

    What was collected goes out as it was, whatever became of the subscription since, as a delivery does that
    was made before: the sink knows what to do with those of a subscription that is gone.
    """
    first, items = batch.first, list(state.scan(Item, _prefix(batch.first.event_name)))
    whole = replace(
        first,
        # A replay that makes the same batches makes the same ids.
        delivery_id=derived_id(first.webhook_event_id, first.subscription_id, batch.last_event_id),
        member_id=batch_lane(first.subscription_id, first.event_name),
        data=f"[{','.join(item.data for item in items)}]",
    )
    return whole, [Drop(entry=entry) for entry in (*items, batch)]


def batch_lane(subscription_id: str, event_name: str) -> str:
    """Stands for the member in all batches of the subscription and event."""
    return derived_id(subscription_id, event_name)


def _prefix(event_name: str) -> bytes:
    # The zero byte ends the name: one name must not be the beginning of another.
    return event_name.encode() + b"\x00"

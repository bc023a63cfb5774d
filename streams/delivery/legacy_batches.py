"""Collects items of legacy array bodies: one delivery with many items for a subscription and event.

Each partition of the webhook events collects separately, so that a member's items stay in order. All batches
of a subscription and event share one lane of the sink, whatever members they contain: they arrive in the
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
"""Bytes at which a batch is closed: its delivery must fit in one record, however long names are."""


class Batch(Entry):
    """A batch that collects items. Owner: the subscription."""

    table, letter = "batches", b"b"

    first: Delivery
    """The delivery of the first item, without its data, which is kept with the items."""
    closes_at: Instant
    last_event_id: Uuid
    items: int = 0
    size: int = 0
    """Total bytes of the items."""

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
        return _item_prefix(self.event_name) + self.number.to_bytes(4, "big")


def is_collected(delivery: Delivery) -> bool:
    """Whether the delivery is collected with others: its body is an array, as only legacy bodies are."""
    return delivery.legacy and delivery.data.startswith("[")


def collect_item(
    state: State, delivery: Delivery, now: datetime, window: timedelta
) -> Iterator[Batch | Item]:
    """Adds the item of `delivery` to the batch of its subscription and event. The first item opens the batch,
    which is due to be closed `window` later. `state` is the subscription's."""
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
    """The batch as one delivery, and the changes that remove it from `state`.

    Collected items go out unchanged, even if the subscription has changed since, as deliveries made earlier
    do. The sink handles those of a removed subscription.
    """
    first, items = batch.first, list(state.scan(Item, _item_prefix(batch.first.event_name)))
    whole = replace(
        first,
        # Derived, so that a replay with the same batches gives the same ids.
        delivery_id=derived_id(first.webhook_event_id, first.subscription_id, batch.last_event_id),
        member_id=batch_lane(first.subscription_id, first.event_name),
        data=f"[{','.join(item.data for item in items)}]",
    )
    return whole, [Drop(entry=entry) for entry in (*items, batch)]


def batch_lane(subscription_id: str, event_name: str) -> str:
    """The id that stands in place of a member's in all batches of the subscription and event."""
    return derived_id(subscription_id, event_name)


def _item_prefix(event_name: str) -> bytes:
    # A zero byte ends the name, so that no name is a prefix of another.
    return event_name.encode() + b"\x00"

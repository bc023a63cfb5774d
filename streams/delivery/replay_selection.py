"""A replay: webhook events of the past, made into deliveries again as the subscription is now.

The same event and subscription make the same delivery: a receiver that keeps messageIds takes nothing twice.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from msgspec.structs import replace

from streams.delivery.fan_out import fan_out
from streams.delivery.legacy_batches import batch_lane, is_collected
from streams.delivery.records import Delivery, Subscription
from streams.delivery.subscription import Subscriptions
from streams.domain.ids import derived_id
from streams.webhooks import CATALOGUE
from streams.webhooks.events import WebhookEvent

ReplayScope = Literal["all", "missing", "failed"]
DeliveryOutcome = Literal["missing", "failed", "pending", "delivered"]
"""The outcome of a delivery. missing: no delivery was made; failed: it became a dead letter."""


def delivery_outcome(made: int, delivered: int, dead: int) -> DeliveryOutcome:
    """The outcome of a delivery that was appended `made` times, delivered `delivered` times and given up
    `dead` times."""
    if delivered:
        return "delivered"
    if made > dead:
        return "pending"
    return "failed" if dead else "missing"


@dataclass(frozen=True, slots=True)
class ReplaySelection:
    """Selects the events of `subscription` to replay, and makes their deliveries. None means any."""

    subscription: Subscription
    name: str
    """The replay's name, which its deliveries carry."""
    event_name: str | None = None
    member_id: str | None = None
    only: ReplayScope = "all"
    outcome_of: Callable[[str], DeliveryOutcome] = lambda _: "missing"
    """Looks up an outcome by delivery id. Called unless `only` is "all"."""
    erased: frozenset[str] = frozenset()
    """Keys of erased members and documents, whose events are never sent again."""
    _names_event: dict[str, bool] = field(default_factory=dict)

    def names(self, event_name: str) -> bool:
        """Whether both the subscription and the replay ask for the event."""
        if event_name not in self._names_event:
            alone = Subscriptions()
            alone.put(self.subscription)
            asked = bool(alone.matching(self.subscription.store, event_name)) and event_name in CATALOGUE
            self._names_event[event_name] = asked and self.event_name in (None, event_name)
        return self._names_event[event_name]

    def owns(self, key: bytes) -> bool:
        """Whether a record with that key may be selected. Checked before the record is decoded."""
        store, _, member_id = key.decode(errors="replace").partition("/")
        if store != self.subscription.store or key.decode(errors="replace") in self.erased:
            return False
        return self.member_id in (None, member_id)

    @property
    def told_by_key(self) -> bool:
        """Whether name and key decide alone, so that counting needs no decoding."""
        one = self.subscription
        return self.only == "all" and not (one.legacy or one.filter or one.active_from)

    @property
    def arrays(self) -> list[str]:
        """The selected events whose bodies are collected in arrays. The batch that an item was in cannot be
        looked up."""
        named = (name for name in CATALOGUE if self.subscription.legacy and self.names(name))
        return [name for name in named if name.endswith("WillExpire")]

    def deliveries(self, event: WebhookEvent) -> Iterator[Delivery]:
        """The deliveries to send for a selected event."""
        for delivery in fan_out(event, (self.subscription,)):
            if self.only == "all" or self.outcome_of(delivery.delivery_id) == self.only:
                yield to_replayed(delivery, self.name)


def to_replayed(delivery: Delivery, name: str) -> Delivery:
    """The delivery as the replay or backfill `name` sends it."""
    return replace(_single_item_array(delivery) if is_collected(delivery) else delivery, replay=name)


def _single_item_array(item: Delivery) -> Delivery:
    """An array with this single item, as the batch would be if no other item had been collected."""
    ids = item.webhook_event_id, item.subscription_id, item.webhook_event_id
    return replace(
        item, delivery_id=derived_id(*ids), member_id=batch_lane(item.subscription_id, item.event_name)
    )

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
"""What became of a delivery. missing: none was made; failed: it was given up."""


def fate(made: int, delivered: int, dead: int) -> DeliveryOutcome:
    """Of a delivery that stands so many times in the deliveries, and came to so many ends."""
    if delivered:
        return "delivered"
    if made > dead:
        return "pending"
    return "failed" if dead else "missing"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events of `subscription` are meant, and what is sent of them. Empty and None: whichever."""

    subscription: Subscription
    name: str
    """The replay's: its deliveries bear it."""
    event_name: str | None = None
    member_id: str | None = None
    only: ReplayScope = "all"
    outcome_of: Callable[[str], DeliveryOutcome] = lambda _: "missing"
    """By delivery id; asked where not all are meant."""
    erased: frozenset[str] = frozenset()
    """Keys of members and documents of whom nothing is sent again."""
    _named: dict[str, bool] = field(default_factory=dict)

    def names(self, event_name: str) -> bool:
        """Whether the subscription asks for the event, and the replay for it too."""
        if event_name not in self._named:
            alone = Subscriptions()
            alone.put(self.subscription)
            asked = bool(alone.matching(self.subscription.store, event_name)) and event_name in CATALOGUE
            self._named[event_name] = asked and self.event_name in (None, event_name)
        return self._named[event_name]

    def owns(self, key: bytes) -> bool:
        """Whether a record of that key may be meant: header and key tell most, and cost nothing."""
        store, _, member_id = key.decode(errors="replace").partition("/")
        if store != self.subscription.store or key.decode(errors="replace") in self.erased:
            return False
        return self.member_id in (None, member_id)

    @property
    def told_by_key(self) -> bool:
        """Whether name and key tell all, so that to count need not read."""
        one = self.subscription
        return self.only == "all" and not (one.legacy or one.filter or one.active_from)

    @property
    def arrays(self) -> list[str]:
        """Of the events meant, those whose bodies are collected: which batch one was in is not looked up."""
        named = (name for name in CATALOGUE if self.subscription.legacy and self.names(name))
        return [name for name in named if name.endswith("WillExpire")]

    def deliveries(self, event: WebhookEvent) -> Iterator[Delivery]:
        """What is to be sent of an event that it names."""
        for delivery in fan_out(event, (self.subscription,)):
            if self.only == "all" or self.outcome_of(delivery.delivery_id) == self.only:
                yield to_replayed(delivery, self.name)


def to_replayed(delivery: Delivery, name: str) -> Delivery:
    """As a replay or a backfill of that name sends it."""
    return replace(_alone(delivery) if is_collected(delivery) else delivery, replay=name)


def _alone(item: Delivery) -> Delivery:
    """An array of one: the batch that it would have been in by itself."""
    ids = item.webhook_event_id, item.subscription_id, item.webhook_event_id
    return replace(
        item, delivery_id=derived_id(*ids), member_id=batch_lane(item.subscription_id, item.event_name)
    )

"""Listeners: developers' machines that fetch webhooks over a connection of their own, for `loyalty listen`.

A listener is no subscription. The fan-out makes no delivery for it and the sink sends it nothing: the API
makes its requests from the topic of webhook events whenever it asks. So nothing waits for a listener that has
died, and nothing of it is in the books. Its record is all there is of it, and that ends with its lease.
"""

from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from streams.delivery.records import Delivery, Subscription, Url
from streams.delivery.subscription import ANY_EVENT
from streams.delivery.subscription_options import CloudEvents, Signing, SigningKey
from streams.domain.values import Code, Instant, Text, Uuid, Value

LEASE = timedelta(minutes=15)
"""How long a listener stays that does not ask."""
RENEWAL_INTERVAL = timedelta(minutes=1)
"""A listener that asks gets a new lease this often at most: each one is a record."""
TEST_HEADER = "Webhook-Test"
"""The header of an example that somebody asked for. No webhook about a real event has it."""


class Listener(Value):
    """Key: `listener_id`; a tombstone removes it."""

    listener_id: Uuid
    store: Code
    event_names: tuple[Text, ...]
    """May be `*`, which means all."""
    forward_url: Url
    """Where the developer's machine forwards to. No process of ours connects to it; the `original` signature
    covers it."""
    who: Text
    """The name of the caller that began it."""
    created_at: Instant
    leased_until: Instant
    first_offsets: tuple[Annotated[int, Meta(ge=0)], ...]
    """The first offset for it of each partition of the webhook events, then that of the examples."""
    legacy: bool = False
    cloud_events: CloudEvents | None = None
    signing: Signing = "none"
    signing_keys: tuple[SigningKey, ...] = ()

    def is_over(self, now: datetime) -> bool:
        return self.leased_until <= now

    def wants(self, event_name: str) -> bool:
        return ANY_EVENT in self.event_names or event_name in self.event_names

    def as_subscription(self) -> Subscription:
        """The subscription that it stands for: it decides what a request holds, and is stored nowhere."""
        return Subscription(
            subscription_id=self.listener_id,
            store=self.store,
            event_name=self.event_names[0],
            further_events=self.event_names[1:],
            url=self.forward_url,
            created_at=self.created_at,
            legacy=self.legacy,
            cloud_events=self.cloud_events,
            signing=self.signing,
            signing_keys=self.signing_keys,
        )


def renew_lease(listener: Listener, now: datetime) -> Listener:
    """The listener with a lease from now on, or as it is if it got one a moment ago."""
    until = now + LEASE
    if until - listener.leased_until < RENEWAL_INTERVAL:
        return listener
    return replace(listener, leased_until=until)


def mark_test(delivery: Delivery) -> Delivery:
    """The delivery as an example: a header says so."""
    return replace(delivery, meta={**delivery.meta, TEST_HEADER: "true"})


def is_test(delivery: Delivery) -> bool:
    return TEST_HEADER in delivery.meta


class Listeners:
    """All listeners by id, kept current from the compacted topic."""

    def __init__(self) -> None:
        self._by_id: dict[str, Listener] = {}

    def put(self, listener_id: str, listener: Listener | None) -> None:
        if listener is None:
            self._by_id.pop(listener_id, None)
        else:
            self._by_id[listener_id] = listener

    def get(self, listener_id: str) -> Listener | None:
        return self._by_id.get(listener_id)

    def all(self) -> tuple[Listener, ...]:
        """The oldest first."""
        return tuple(sorted(self._by_id.values(), key=lambda each: (each.created_at, each.listener_id)))

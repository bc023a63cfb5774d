"""Finds the subscriptions that ask for a webhook event."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from streams.delivery.records import Subscription
from streams.errors import Misconfigured

SubscriptionListener = Callable[[str, Subscription | None, Subscription | None], None]
"""Called with a subscription's id, its former and its current version; None if there is none."""
ANY_EVENT = "*"
"""Matches every event name."""


def event_names(subscription: Subscription) -> tuple[str, ...]:
    """The event names that it asks for, without duplicates, `event_name` first."""
    return tuple(dict.fromkeys((subscription.event_name, *subscription.further_events)))


def require_active(found: Subscription | None, id_: str) -> Subscription:
    """Returns an active subscription. Raises Misconfigured, naming `--subscription`, if it is missing or not
    active."""
    if found is None:
        raise Misconfigured(f"--subscription {id_!r}: there is no subscription of that id")
    if found.state != "active":
        raise Misconfigured(f"--subscription {id_!r} is {found.state}: set it active first")
    return found


class Subscriptions:
    """All subscriptions by store and event name, kept current from the compacted topic."""

    def __init__(self) -> None:
        self._by_id: dict[str, Subscription] = {}
        self._by_event: defaultdict[tuple[str, str], dict[str, Subscription]] = defaultdict(dict)
        self._by_store: defaultdict[str, dict[str, Subscription]] = defaultdict(dict)
        self._in_order: dict[str, Sequence[Subscription]] = {}
        self._listeners: list[SubscriptionListener] = []

    def tell(self, listener: SubscriptionListener) -> None:
        """Calls the listener after every change from now on."""
        self._listeners.append(listener)

    def put(self, subscription: Subscription) -> None:
        before = self._remove(subscription.subscription_id)
        self._by_id[subscription.subscription_id] = subscription
        self._by_store[subscription.store][subscription.subscription_id] = subscription
        self._in_order.pop(subscription.store, None)
        for name in event_names(subscription):
            self._by_event[subscription.store, name][subscription.subscription_id] = subscription
        for listener in self._listeners:
            listener(subscription.subscription_id, before, subscription)

    def drop(self, subscription_id: str) -> None:
        gone = self._remove(subscription_id)
        for listener in self._listeners:
            listener(subscription_id, gone, None)

    def _remove(self, subscription_id: str) -> Subscription | None:
        gone = self._by_id.pop(subscription_id, None)
        if gone:
            del self._by_store[gone.store][subscription_id]
            self._in_order.pop(gone.store, None)
            for name in event_names(gone):
                del self._by_event[gone.store, name][subscription_id]
        return gone

    def __iter__(self) -> Iterator[Subscription]:
        return iter(self._by_id.values())

    def get(self, subscription_id: str) -> Subscription | None:
        return self._by_id.get(subscription_id)

    def matching(self, store: str, event_name: str) -> list[Subscription]:
        """The matching subscriptions, sorted by id, so that a replay appends deliveries in the same order."""
        named, all_ = self._by_event.get((store, event_name)), self._by_event.get((store, ANY_EVENT))
        wanted = {**(named or {}), **(all_ or {})}
        return [wanted[key] for key in sorted(wanted)] if wanted else []

    def of_store(self, store: str) -> Sequence[Subscription]:
        """The store's subscriptions, the oldest first."""
        if store not in self._in_order:
            found = self._by_store.get(store, {}).values()
            self._in_order[store] = tuple(sorted(found, key=lambda s: (s.created_at, s.subscription_id)))
        return self._in_order[store]

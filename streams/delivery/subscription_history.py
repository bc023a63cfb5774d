"""The history of subscriptions: all versions of each, as its topic still has them."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from streams.delivery.fan_out import fan_out
from streams.delivery.records import Delivery, Subscription
from streams.delivery.subscription import Subscriptions
from streams.webhooks.events import WebhookEvent

CHANGE_GRACE = timedelta(seconds=10)
"""For so long after a change either version may apply, as the fan-out reads the change a moment later."""


@dataclass(slots=True)
class SubscriptionVersions:
    """The versions of one subscription, sorted by `begins` (wall-clock times). A form of None means it did
    not exist."""

    subscription_id: str
    begins: list[datetime] = field(default_factory=list)
    forms: list[Subscription | None] = field(default_factory=list)

    def add(self, at: datetime, form: Subscription | None) -> None:
        if not self.forms or _matching_fields(form) != _matching_fields(self.forms[-1]):
            self.begins.append(at)
            self.forms.append(form)

    def at(self, moment: datetime) -> Subscription | None:
        """The version at that time, or None if it did not exist."""
        first = bisect_right(self.begins, moment) - 1
        return None if first < 0 else self.forms[first]

    def since(self, appended_at: datetime) -> list[Subscription | None]:
        """The versions that an event appended then may have been matched with: that of the time and all later
        ones, as the event may have waited."""
        first = bisect_right(self.begins, appended_at - CHANGE_GRACE) - 1
        return [None, *self.forms] if first < 0 else self.forms[first:]


class SubscriptionHistory:
    """The versions of all subscriptions."""

    def __init__(self) -> None:
        self._forms: dict[str, SubscriptionVersions] = {}
        self._versions_naming: dict[tuple[str, str], list[SubscriptionVersions]] = {}

    def add(self, subscription_id: str, at: datetime, form: Subscription | None) -> None:
        self._forms.setdefault(subscription_id, SubscriptionVersions(subscription_id)).add(at, form)
        self._versions_naming.clear()

    def of(self, subscription_id: str) -> SubscriptionVersions | None:
        return self._forms.get(subscription_id)

    def naming(self, store: str, event_name: str) -> list[SubscriptionVersions]:
        """The subscriptions of which any version names the event."""
        place = store, event_name
        if place not in self._versions_naming:
            self._versions_naming[place] = [
                f for f in self._forms.values() if any(_versions_naming(f.forms, *place))
            ]
        return self._versions_naming[place]


def wanted_deliveries(
    event: WebhookEvent, forms: SubscriptionVersions, appended_at: datetime
) -> Iterator[tuple[Delivery | None, bool]]:
    """Yields each delivery that any version makes of the event, and whether all versions make it; (None,
    False) if no version makes one."""
    name = type(event).__name__
    made = [
        {d.delivery_id: d for d in fan_out(event, [form])}
        if form and _is_naming(form, event.store, name)
        else {}
        for form in forms.since(appended_at)
    ]
    some = {delivery_id: delivery for each in made for delivery_id, delivery in each.items()}
    if not some:
        yield None, False
    for delivery_id, delivery in some.items():
        yield delivery, all(delivery_id in each for each in made)


def _is_naming(form: Subscription, store: str, event_name: str) -> bool:
    alone = Subscriptions()
    alone.put(form)
    return bool(alone.matching(store, event_name))


def _versions_naming(forms: Iterable[Subscription | None], store: str, event_name: str) -> Iterator[bool]:
    return (form is not None and _is_naming(form, store, event_name) for form in forms)


def _matching_fields(form: Subscription | None) -> object:
    """The parts of a version that decide how events are matched and bodies are made."""
    return form and (
        form.store,
        form.event_name,
        form.further_events,
        form.active_from,
        form.filter,
        form.legacy,
    )

"""Who wanted what when: a subscription's forms one after the other, as its topic holds them."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from streams.delivery.fan_out import fan_out
from streams.delivery.records import Delivery, Subscription
from streams.delivery.subscription import Subscriptions
from streams.webhooks.events import WebhookEvent

CHANGE_GRACE = timedelta(seconds=10)
"""After a change, for as long both forms are good: whoever matches hears of it a moment later."""


@dataclass(slots=True)
class SubscriptionVersions:
    """Of one subscription; None: it was not there. In the order of `begins`, which are wall-clock times."""

    subscription_id: str
    begins: list[datetime] = field(default_factory=list)
    forms: list[Subscription | None] = field(default_factory=list)

    def add(self, at: datetime, form: Subscription | None) -> None:
        if not self.forms or _wants(form) != _wants(self.forms[-1]):
            self.begins.append(at)
            self.forms.append(form)

    def at(self, moment: datetime) -> Subscription | None:
        """The one of that time; None: it was not there."""
        first = bisect_right(self.begins, moment) - 1
        return None if first < 0 else self.forms[first]

    def since(self, appended_at: datetime) -> list[Subscription | None]:
        """Those by which an event appended then may have been matched: the one of that time, and later ones,
        for nobody knows how long it waited."""
        first = bisect_right(self.begins, appended_at - CHANGE_GRACE) - 1
        return [None, *self.forms] if first < 0 else self.forms[first:]


class SubscriptionHistory:
    """All subscriptions' forms."""

    def __init__(self) -> None:
        self._forms: dict[str, SubscriptionVersions] = {}
        self._named: dict[tuple[str, str], list[SubscriptionVersions]] = {}

    def add(self, subscription_id: str, at: datetime, form: Subscription | None) -> None:
        self._forms.setdefault(subscription_id, SubscriptionVersions(subscription_id)).add(at, form)
        self._named.clear()

    def of(self, subscription_id: str) -> SubscriptionVersions | None:
        return self._forms.get(subscription_id)

    def naming(self, store: str, event_name: str) -> list[SubscriptionVersions]:
        """Those of which one form or another names the event."""
        place = store, event_name
        if place not in self._named:
            self._named[place] = [f for f in self._forms.values() if any(_named(f.forms, *place))]
        return self._named[place]


def wanted_deliveries(
    event: WebhookEvent, forms: SubscriptionVersions, appended_at: datetime
) -> Iterator[tuple[Delivery | None, bool]]:
    """Each delivery that some form makes of the event, and whether all make it; None where none makes any."""
    name = type(event).__name__
    made = [
        {d.delivery_id: d for d in fan_out(event, [form])} if form and _names(form, event.store, name) else {}
        for form in forms.since(appended_at)
    ]
    some = {delivery_id: delivery for each in made for delivery_id, delivery in each.items()}
    if not some:
        yield None, False
    for delivery_id, delivery in some.items():
        yield delivery, all(delivery_id in each for each in made)


def _names(form: Subscription, store: str, event_name: str) -> bool:
    alone = Subscriptions()
    alone.put(form)
    return bool(alone.matching(store, event_name))


def _named(forms: Iterable[Subscription | None], store: str, event_name: str) -> Iterator[bool]:
    return (form is not None and _names(form, store, event_name) for form in forms)


def _wants(form: Subscription | None) -> object:
    """All of it by which events are matched and bodies are made."""
    return form and (
        form.store,
        form.event_name,
        form.further_events,
        form.active_from,
        form.filter,
        form.legacy,
    )

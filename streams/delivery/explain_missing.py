"""Explains why an event has no delivery, by what the subscription asked for then and now."""

from collections.abc import Iterable
from datetime import datetime

from streams.delivery.backfill_recipients import is_recipient
from streams.delivery.explain import PublishedEvent, Sentence, Verdict, VerdictKind
from streams.delivery.fan_out import body_tree, fan_out
from streams.delivery.filter import first_failed_condition
from streams.delivery.legacy_batches import is_collected
from streams.delivery.records import Delivery, Subscription
from streams.delivery.subscription import ANY_EVENT, event_names
from streams.delivery.subscription_history import CHANGE_GRACE, SubscriptionVersions
from streams.webhooks.events import WebhookEvent


def explain_missing_delivery(
    published: PublishedEvent,
    subscription_id: str,
    forms: SubscriptionVersions | None,
    forgotten_before: datetime,
) -> Verdict:
    """The verdict on an event without a known delivery, by all versions that the subscription has had
    since."""
    id_ = subscription_id
    if not is_recipient(id_, published.by):
        at = published.appended_at
        return Verdict(
            id_, "filtered", ("It was backfilled at ", at, ", for other subscriptions than this one.")
        )
    if forms is None:
        return Verdict(id_, "unknown", ("Nothing is known of this subscription.",))
    times = forms.since(published.appended_at)
    refusals = [explain_form(published, form, forms) for form in times]
    # If several versions refuse the event, the version of that time explains it best.
    then = explain_form(published, forms.at(published.appended_at), forms)
    first = then or next((each for each in refusals if each), None)
    if published.ahead and None in refusals:
        at = published.appended_at
        return Verdict(
            id_, "not come to yet", ("It was published at ", at, "; the fan-out has not come to it yet.")
        )
    if first is not None:
        return first
    return Verdict(id_, *_explain_wanted(published, times, forgotten_before))


def _explain_wanted(
    published: PublishedEvent, times: Iterable[Subscription | None], forgotten_before: datetime
) -> tuple[VerdictKind, Sentence]:
    """The verdict if every version wants the event, but no delivery exists."""
    at = ("It was published at ", published.appended_at)
    if published.appended_at < forgotten_before:
        return "unknown", (*at, ": what became of it is not kept for so long.")
    if any(is_collected(made) for form in times for made in _deliveries_of(published.event, form)):
        return "pending", (*at, ", and is collected with others for a legacy array.")
    return "missing", (*at, " and is wanted, but no delivery was made: run a reconciliation.")


def _deliveries_of(event: WebhookEvent, form: Subscription | None) -> list[Delivery]:
    return list(fan_out(event, [form])) if form else []


def has_item(batch: Delivery, event: WebhookEvent, form: Subscription) -> bool:
    """Whether a legacy array contains the event's item."""
    return any(is_collected(made) and made.data[1:-1] in batch.data for made in _deliveries_of(event, form))


def explain_form(
    published: PublishedEvent, form: Subscription | None, forms: SubscriptionVersions
) -> Verdict | None:
    """Why that version of the subscription makes no delivery of the event, or None if it makes one."""
    if form is None:
        return _explain_absence(published, forms)
    event, id_ = published.event, form.subscription_id
    name, names = type(event).__name__, event_names(form)
    if form.store != event.store:
        return Verdict(id_, "not subscribed", (f"It is a subscription of another store: {form.store}.",))
    if name not in names and ANY_EVENT not in names:
        return Verdict(id_, "not subscribed", (f"It asks for {', '.join(names)}, and this was {name}.",))
    if form.active_from and event.created_at < form.active_from:
        parts = "The event is of ", event.created_at, "; the subscription begins at ", form.active_from, "."
        return Verdict(id_, "not active yet", parts)
    return _explain_filter(event, form)


def _explain_filter(event: WebhookEvent, form: Subscription) -> Verdict | None:
    by = first_failed_condition(form.filter, body_tree(event, form.legacy)) if form.filter else None
    if by is None:
        return None
    condition, found = by
    wants = f"{condition.path} {condition.operator} {condition.value}"
    there = "there is nothing" if found is None else f"it is {found}"
    parts = (f"Its filter wants {wants}; {there} in this event.",)
    return Verdict(form.subscription_id, "filtered", parts, condition=condition, found=found)


def _explain_absence(published: PublishedEvent, forms: SubscriptionVersions) -> Verdict:
    id_, at = forms.subscription_id, published.appended_at
    begins, first = next(
        ((begins, form) for begins, form in zip(forms.begins, forms.forms, strict=True) if form), (None, None)
    )
    if begins is None or first is None or (first.created_at < at - CHANGE_GRACE and begins > at):
        return Verdict(id_, "unknown", ("What the subscription asked for at ", at, " is not kept any more."))
    if begins + CHANGE_GRACE >= at:
        parts = "It was published at ", at, ", the subscription was made at ", begins, "."
        return Verdict(id_, "not active yet", parts)
    return Verdict(id_, "not subscribed", ("The subscription was not there at ", at, "."))

"""What a subscription may ask for beside its event and address, and how it is read again."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec.structs import replace
from pydantic import Field

from api.contract.fields import BodyModel, JsonTree, Moment, Text, TextLine
from api.contract.json_body import write_json
from api.problems import Complaint, Invalid
from streams.delivery import filter as filters
from streams.delivery.records import Subscription
from streams.delivery.subscription import ANY_EVENT
from streams.delivery.subscription_options import CloudEvents, Condition
from streams.webhooks import CATALOGUE
from streams.webhooks.filter_types import filter_type_mismatch
from streams.webhooks.parts import iso_instant

ROOT = "webhookSubscription"
MAX_VALUE_LENGTH = 1024
_EXACT = msgspec.json.Decoder(float_hook=Decimal)


class ConditionBody(BodyModel):
    """One part of a filter on the body's `data`."""

    path: Annotated[TextLine, Field(examples=["wallet.walletType.code"])]
    operator: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "exists"]
    value: Annotated[
        JsonTree, Field(description="What stands there is compared with it; for `in`: an array.")
    ]


class SubscriptionOptions(BodyModel):
    """Where they are absent from a PUT, they are as at the beginning."""

    description: Text = ""
    active_from: Annotated[
        Moment | None, Field(description="Webhook events made before are not delivered.")
    ] = None
    filter: Annotated[list[ConditionBody], Field(max_length=filters.MOST)] = Field(
        default_factory=list, description="All parts must hold."
    )
    cloud_events: CloudEvents | None = Field(
        None, description="Bodies as CloudEvents 1.0, in that mode of its HTTP binding; not with `legacy`."
    )
    unordered: bool = Field(
        False, description="A member's next webhook does not wait for the one before to be delivered."
    )
    concurrency: Annotated[int, Field(ge=1, le=1000)] | None = None
    requests_per_second: Annotated[int, Field(ge=1, le=100_000)] | None = None
    retry_waits: Annotated[list[Annotated[int, Field(ge=1, le=7 * 86_400)]], Field(max_length=20)] = Field(
        default_factory=list, description="Seconds after the first, second, … failure; empty: as usual."
    )


def apply_options(subscription: Subscription, options: SubscriptionOptions) -> Subscription:
    """Raises Invalid naming the part of the filter that says nothing."""
    if options.cloud_events and subscription.legacy:
        message = "The legacy format has no CloudEvents: one of the two only."
        raise Invalid(Complaint(f"{ROOT}.cloudEvents", message, "conflict"))
    conditions = tuple(_conditions(options))
    complaints = [
        Complaint(f"{ROOT}.filter.{index}", f"The condition's {problem}.", "invalid_filter")
        for index, condition in enumerate(conditions)
        if (problem := _problem(condition) or _mismatch(subscription, condition))
    ]
    if complaints:
        raise Invalid(*complaints)
    return replace(
        subscription,
        description=options.description,
        active_from=options.active_from,
        filter=conditions,
        cloud_events=options.cloud_events,
        unordered=options.unordered,
        concurrency=options.concurrency,
        requests_per_second=options.requests_per_second,
        retry_waits=tuple(options.retry_waits),
    )


def _conditions(options: SubscriptionOptions) -> Iterator[Condition]:
    for each in options.filter:
        yield Condition(path=each.path, operator=each.operator, value=write_json(each.value))


def _problem(condition: Condition) -> str | None:
    if len(condition.value) > MAX_VALUE_LENGTH:
        return f"value has more than {MAX_VALUE_LENGTH} characters as JSON"
    return filters.condition_problem(condition)


def _mismatch(subscription: Subscription, condition: Condition) -> str | None:
    """The body says whether texts or numbers are compared, not what the value looks like."""
    if condition.operator == "exists":
        return None
    value = _EXACT.decode(condition.value)
    names = (subscription.event_name, *subscription.further_events)
    events = CATALOGUE if ANY_EVENT in names else names
    values = value if condition.operator == "in" and isinstance(value, list) else [value]
    reasons = [
        filter_type_mismatch(events, condition.path, each, legacy=subscription.legacy) for each in values
    ]
    # Of several values one that may stand there is enough.
    return reasons[0] if reasons and all(reasons) else None


def options_body(subscription: Subscription) -> dict[str, Any]:
    """Renders the options as a client can send them back."""
    return {
        "description": subscription.description,
        "activeFrom": iso_instant(subscription.active_from),
        "filter": [
            {"path": c.path, "operator": c.operator, "value": _EXACT.decode(c.value)}
            for c in subscription.filter
        ],
        "cloudEvents": subscription.cloud_events,
        "unordered": subscription.unordered,
        "concurrency": subscription.concurrency,
        "requestsPerSecond": subscription.requests_per_second,
        "retryWaits": list(subscription.retry_waits),
        "state": subscription.state,
        "signing": subscription.signing,
        "revision": subscription.revision,
    }


def with_state(subscription: Subscription, state: Literal["active", "paused"], now: datetime) -> Subscription:
    """Paused by hand, or made active again; as it is where it is so already."""
    if subscription.state == state:
        return subscription
    return replace(subscription, state=state, state_since=now)

"""Records between a webhook event and the end of its delivery."""

from typing import Annotated, Literal

from msgspec import Meta, field
from msgspec.structs import replace

from streams.delivery.subscription_options import (
    Auth,
    CloudEvents,
    Condition,
    Sealed,
    Signing,
    SigningKey,
    SubscriptionState,
)
from streams.domain.values import Code, Instant, Text, Uuid, Value

Url = Annotated[str, Meta(max_length=2048)]
Outcome = Literal["delivered", "retry", "held", "dead"]
"""held: it waits until its subscription is active again."""
ErrorClass = Literal["before sending", "after sending", "their answer"]
"""Of an attempt that failed. Before sending: the endpoint has seen nothing. After: it may have."""
EndpointCondition = Literal["working", "failing", "disabled"]


class Header(Value):
    """A header that the subscriber wants on every request. Its value may be a secret: never logged."""

    name: Text
    value: Annotated[str, Meta(max_length=4096)]
    """Empty where it is sealed."""
    sealed: Sealed | None = None


class Subscription(Value):
    """Who wants which webhook, where. Key of its record: `subscription_id`; a tombstone ends it."""

    subscription_id: Uuid
    store: Code
    event_name: Text
    url: Url
    created_at: Instant
    headers: tuple[Header, ...] = ()
    legacy: bool = False
    further_events: tuple[Text, ...] = ()
    """Names beside `event_name`; either may be `*`, which stands for all."""
    cloud_events: CloudEvents | None = None
    """Bodies as CloudEvents 1.0, in that mode of the HTTP binding; never together with `legacy`."""
    description: Text = ""
    active_from: Instant | None = None
    """Webhook events made before are not delivered; None: all that the fan-out comes to from now on are."""
    filter: tuple[Condition, ...] = ()
    state: SubscriptionState = "active"
    state_since: Instant | None = None
    """When it was paused, or made active again; what the sink found before no longer disables it."""
    unordered: bool = False
    """A member's next delivery does not wait for the one before."""
    concurrency: Annotated[int, Meta(ge=1, le=1000)] | None = None
    """Most requests under way at once; None: as the deployment says."""
    requests_per_second: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    retry_waits: tuple[Annotated[int, Meta(ge=1, le=7 * 86_400)], ...] = ()
    """Seconds after the first, second, … failure; empty: the usual schedule."""
    signing: Signing = "none"
    signing_keys: tuple[SigningKey, ...] = ()
    auth: Auth | None = None
    revision: int = 0
    """Counts its changes, so that two clients do not overwrite each other unseen."""


class Delivery(Value):
    """One webhook event, or a batch of legacy items, for one subscription. Key: `subscription_id`, so that an
    endpoint has one owner.

    `delivery_id` is the messageId of every attempt and of every replay. `data` is the body's JSON, in the
    format that the subscription asked for; the envelope is put around it at each attempt.
    """

    delivery_id: Uuid
    subscription_id: Uuid
    webhook_event_id: Uuid
    """Of a batch of legacy items, like its time: its first's."""
    event_name: Text
    store: Code
    member_id: Uuid
    """What is delivered in order. Of a batch, an id that all of its subscription and event share."""
    created_at: Instant
    legacy: bool
    data: str
    meta: dict[str, str] = field(default_factory=dict)
    """Headers beyond the documented body, by name."""
    legacy_type: Text | None = None
    """The legacy envelope's `type`, where it is not the one that belongs to the event's name."""
    replay: Text | None = None
    """The replay that sends it again, by its name; None: it is sent as its event happened."""
    tried: Annotated[int, Meta(ge=0, le=1 << 30)] = 0
    """How many attempts were made before it was sent again by hand: those that follow are numbered on."""


class Attempt(Value):
    """One request and what came of it. `request_id` is drawn anew for each."""

    request_id: Uuid
    delivery_id: Uuid
    subscription_id: Uuid
    webhook_event_id: Uuid
    event_name: Text
    store: Code
    member_id: Uuid
    number: int
    """1 for the first attempt."""
    started_at: Instant
    duration_ms: int
    outcome: Outcome
    status: int | None
    """The answer's HTTP status, or None when there was no answer."""
    error: Text | None
    """What went wrong when there was no answer, and when: before sending, or after."""
    next_attempt_at: Instant | None
    response: str | None
    """The first 4096 characters of the answer's body; None where it had none."""
    error_class: ErrorClass | None = None


class DeadLetter(Value):
    """A delivery given up, with the reason. Key: `subscription_id`. It can be driven again."""

    delivery: Delivery
    reason: Text
    attempts: int
    status: int | None
    given_up_at: Instant


def redrive_delivery(letter: DeadLetter) -> Delivery:
    """What is sent again of it: its attempts are numbered on, its schedule begins anew."""
    return replace(letter.delivery, tried=letter.attempts)


class EndpointStatus(Value):
    """What the sink finds of a subscription's endpoint, told when it changes. Key: `subscription_id`; the
    latest stands, none: it works, or nothing was sent yet."""

    subscription_id: Uuid
    store: Code
    state: EndpointCondition
    """failing: one attempt after the other fails. disabled: nothing is sent until it is set active again."""
    since: Instant
    """When it was first so: of `failing` the first failure after the last success."""
    failures: int
    """One after the other, up to when this was told."""
    reason: Text
    """The last failure, or what disabled it; empty where it works."""
    told_at: Instant

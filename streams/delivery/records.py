"""Records of subscriptions, deliveries, attempts, dead letters and endpoint status."""

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
"""held: the delivery waits until its subscription is active again."""
ErrorClass = Literal["before sending", "after sending", "their answer"]
"""When an attempt failed. Before sending: the endpoint has seen nothing. After sending: it may have. Their
answer: it answered with an error."""
EndpointCondition = Literal["working", "failing", "disabled"]


class Header(Value):
    """A header that the subscriber wants on every request. Its value may be a secret and is never logged."""

    name: Text
    value: Annotated[str, Meta(max_length=4096)]
    """Empty if the value is sealed."""
    sealed: Sealed | None = None


class Subscription(Value):
    """A subscription: which webhooks go to which URL. Key: `subscription_id`; a tombstone removes it."""

    subscription_id: Uuid
    store: Code
    event_name: Text
    url: Url
    created_at: Instant
    headers: tuple[Header, ...] = ()
    legacy: bool = False
    further_events: tuple[Text, ...] = ()
    """Event names besides `event_name`; any of them may be `*`, which means all."""
    cloud_events: CloudEvents | None = None
    """Sends bodies as CloudEvents 1.0 in this mode of the HTTP binding. Never together with `legacy`."""
    description: Text = ""
    active_from: Instant | None = None
    """Earlier webhook events are not delivered. None: all events that the fan-out reads from now on are."""
    filter: tuple[Condition, ...] = ()
    state: SubscriptionState = "active"
    state_since: Instant | None = None
    """When it was paused or activated. An endpoint status from before no longer disables it."""
    unordered: bool = False
    """Whether a member's next delivery goes out without waiting for the one before."""
    concurrency: Annotated[int, Meta(ge=1, le=1000)] | None = None
    """Most concurrent requests; None: the deployment's default."""
    requests_per_second: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    retry_waits: tuple[Annotated[int, Meta(ge=1, le=7 * 86_400)], ...] = ()
    """Seconds to wait after the first, second, … failure; empty: the default schedule."""
    signing: Signing = "none"
    signing_keys: tuple[SigningKey, ...] = ()
    auth: Auth | None = None
    revision: int = 0
    """Counts its changes, so that a client cannot overwrite another one's change unknowingly."""


class Delivery(Value):
    """One webhook event, or a batch of legacy items, for one subscription. Key: `subscription_id`, so that
    one sink process owns an endpoint.

    `delivery_id` is the messageId of every attempt and every replay. `data` is the body's JSON in the
    subscription's format; the envelope is added at each attempt.
    """

    delivery_id: Uuid
    subscription_id: Uuid
    webhook_event_id: Uuid
    """For a batch of legacy items this id and `created_at` are the first item's."""
    event_name: Text
    store: Code
    member_id: Uuid
    """Deliveries with the same id are sent in order. All batches of a subscription and event share an id."""
    created_at: Instant
    legacy: bool
    data: str
    meta: dict[str, str] = field(default_factory=dict)
    """Additional request headers, by name."""
    legacy_type: Text | None = None
    """The `type` of the legacy envelope, if it is not the default one of the event's name."""
    replay: Text | None = None
    """The name of the replay or backfill that sends it, or None if it is sent because its event happened."""
    tried: Annotated[int, Meta(ge=0, le=1 << 30)] = 0
    """Attempts before a redrive: the numbering of attempts continues after these."""


class Attempt(Value):
    """One request and its outcome. `request_id` is random and new for each request."""

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
    """The HTTP status of the answer, or None if there was no answer."""
    error: Text | None
    """What went wrong if there was no answer, and when: before sending, or after."""
    next_attempt_at: Instant | None
    response: str | None
    """The first 4096 characters of the answer's body, or None if it had none."""
    error_class: ErrorClass | None = None


class DeadLetter(Value):
    """A dead letter: a delivery that was given up, with the reason. Key: `subscription_id`. It can be
    redriven."""

    delivery: Delivery
    reason: Text
    attempts: int
    status: int | None
    given_up_at: Instant


def redrive_delivery(letter: DeadLetter) -> Delivery:
    """The delivery that a redrive sends: its attempts are numbered on, its retry schedule starts again."""
    return replace(letter.delivery, tried=letter.attempts)


class EndpointStatus(Value):
    """The status of a subscription's endpoint, which the sink writes when it changes. Key: `subscription_id`.
    Without a record the endpoint works, or nothing was sent to it yet."""

    subscription_id: Uuid
    store: Code
    state: EndpointCondition
    """failing: all recent attempts failed. disabled: nothing is sent until the subscription is activated
    again."""
    since: Instant
    """When this state began; for `failing` the first failure after the last success."""
    failures: int
    """Consecutive failures up to `told_at`."""
    reason: Text
    """The last failure, or what disabled the endpoint; empty if it works."""
    told_at: Instant

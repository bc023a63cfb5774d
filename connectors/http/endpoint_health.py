"""Decides from an endpoint's answers when its breaker opens and when it is disabled. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from streams.delivery.records import EndpointCondition, EndpointStatus, Subscription
from streams.delivery.retry import HTTP_GONE
from streams.domain.state import Entry
from streams.domain.values import Instant

FIRST_PROBE = timedelta(seconds=5)

_BODYS_FAULT = {400, 406, 409, 411, 413, 414, 415, 422, 431}
"""These statuses blame the request's body (RFC 9110, section 15.5). They say nothing about the next
request."""
_BUSY = {429, 503}
"""With a Retry-After these ask for a pause of all requests (RFC 9110, section 10.2.3; RFC 6585)."""


class Health(Entry):
    """Owned by the subscription. A healthy endpoint has no entry."""

    table, letter = "endpoints", b"h"

    failing_since: Instant | None = None
    """The first failure after the last success."""
    failures: int = 0
    """Consecutive failures of any kind."""
    strikes: int = 0
    """Consecutive failures that the breaker counts."""
    openings: int = 0
    open_until: Instant | None = None
    """Nothing is sent before this moment. After it one probe at a time is sent, until one succeeds."""
    last: str = ""
    """The last failure in words."""
    disabled_at: Instant | None = None
    reason: str = ""


HEALTHY = Health()


@dataclass(frozen=True, slots=True)
class EndpointPolicy:
    """The deployment's limits for every endpoint."""

    concurrency: int = 10
    breaker_failures: int = 5
    max_breaker_wait: timedelta = timedelta(seconds=60)
    disable_after: timedelta | None = timedelta(days=5)
    """Time without a success after which an endpoint is disabled; None: never."""
    hold_for: timedelta | None = timedelta(days=30)
    """How long deliveries wait for a paused or disabled subscription; None: forever."""
    settle_after: timedelta = timedelta(milliseconds=25)
    """How long a finished delivery waits for others, to be committed with them."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that failed. `asked`: the wait that a Retry-After header asks for."""

    status: int | None
    what: str
    started_at: datetime
    asked: timedelta | None = None


def record_success(health: Health) -> Health:
    """A success resets the failures. A disabled endpoint stays disabled until the subscription's owner
    reactivates it."""
    return health if health.disabled_at else HEALTHY


def record_failure(
    health: Health, failure: Failure, now: datetime, policy: EndpointPolicy, jitter: float
) -> Health:
    """The breaker opens after enough consecutive failures, or for as long as a Retry-After asks. A failed
    probe opens it for twice as long. A 410, or too long a time without a success, disables the endpoint.
    `jitter`: 0 to 1."""
    counts = failure.status not in _BODYS_FAULT
    after = replace(
        health,
        failing_since=health.failing_since or now,
        failures=health.failures + 1,
        strikes=health.strikes + counts,
        last=failure.what,
    )
    if counts:
        after = _open_breaker(after, failure, now, policy, jitter)
    return _disable(after, failure, now, policy)


def _open_breaker(
    health: Health, failure: Failure, now: datetime, policy: EndpointPolicy, jitter: float
) -> Health:
    if failure.asked and failure.status in _BUSY:
        asked = now + min(failure.asked, policy.max_breaker_wait)
        return replace(health, open_until=max(asked, health.open_until or asked))
    # A request that started before the breaker opened says nothing new.
    begun_before = health.open_until is not None and failure.started_at < health.open_until
    if begun_before or (health.open_until is None and health.strikes < policy.breaker_failures):
        return health
    longest = min(policy.max_breaker_wait, FIRST_PROBE * 2 ** min(health.openings, 20))
    wait = longest * (0.5 + 0.5 * jitter)
    return replace(health, openings=health.openings + 1, open_until=now + wait)


def _disable(health: Health, failure: Failure, now: datetime, policy: EndpointPolicy) -> Health:
    if health.disabled_at:
        return health
    if failure.status == HTTP_GONE:
        return replace(health, disabled_at=now, reason=f"{failure.what} Gone")
    since = health.failing_since
    if policy.disable_after is None or since is None or now - since < policy.disable_after:
        return health
    days = policy.disable_after.days
    reason = f"nothing but failures for {days} days, the last one {failure.what}"
    return replace(health, disabled_at=now, reason=reason)


def held_since(subscription: Subscription, health: Health) -> datetime | None:
    """Since when nothing may be sent to the endpoint; None if it may be sent to."""
    if subscription.state != "active":
        return subscription.state_since or subscription.created_at
    at = health.disabled_at
    return at if at and not is_reactivated(subscription, health) else None


def is_reactivated(subscription: Subscription, health: Health) -> bool:
    """Whether the subscription's owner set it active after the sink disabled the endpoint."""
    since, at = subscription.state_since, health.disabled_at
    return at is not None and subscription.state == "active" and since is not None and since > at


def condition(health: Health, policy: EndpointPolicy) -> EndpointCondition:
    if health.disabled_at:
        return "disabled"
    return "failing" if health.failures >= policy.breaker_failures else "working"


def status_record(
    subscription: Subscription, health: Health, policy: EndpointPolicy, now: datetime
) -> EndpointStatus:
    """The endpoint's status, as a record for operators."""
    state = condition(health, policy)
    since = {"disabled": health.disabled_at, "failing": health.failing_since, "working": now}[state]
    reason = {"disabled": health.reason, "failing": health.last, "working": ""}[state]
    return EndpointStatus(
        subscription_id=subscription.subscription_id,
        store=subscription.store,
        state=state,
        since=since or now,
        failures=health.failures,
        reason=reason[:255],
        told_at=now,
    )

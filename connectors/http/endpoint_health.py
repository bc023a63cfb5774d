"""What the sink has found of an endpoint, and what follows: its breaker, its disabling, its status. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from streams.delivery.records import EndpointCondition, EndpointStatus, Subscription
from streams.delivery.retry import HTTP_GONE
from streams.domain.state import Entry
from streams.domain.values import Instant

FIRST_PROBE = timedelta(seconds=5)

_BODYS_FAULT = {400, 406, 409, 411, 413, 414, 415, 422, 431}
"""Answers to this very request: they say nothing about the next one."""
_BUSY = {429, 503}
"""With a Retry-After these ask for a pause of everything, not of one delivery."""


class Health(Entry):
    """Owner: the subscription. There is none while all is well."""

    table, letter = "endpoints", b"h"

    failing_since: Instant | None = None
    """The first failure after the last success."""
    failures: int = 0
    """One after the other, whatever they were."""
    strikes: int = 0
    """Those among them that the breaker counts."""
    openings: int = 0
    open_until: Instant | None = None
    """Nothing is sent before; after it one probe at a time, until one succeeds."""
    last: str = ""
    """The last failure in words."""
    disabled_at: Instant | None = None
    reason: str = ""


HEALTHY = Health()


@dataclass(frozen=True, slots=True)
class EndpointPolicy:
    """What the deployment says of every endpoint."""

    concurrency: int = 10
    breaker_failures: int = 5
    max_breaker_wait: timedelta = timedelta(seconds=60)
    disable_after: timedelta | None = timedelta(days=5)
    """None: however long there is nothing but failure."""
    hold_for: timedelta | None = timedelta(days=30)
    """How long deliveries wait for a paused or disabled subscription; None: without end."""
    settle_after: timedelta = timedelta(milliseconds=25)
    """How long what has finished may wait for others, to be committed together."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that was no success. `asked`: the wait that a Retry-After asks for."""

    status: int | None
    what: str
    started_at: datetime
    asked: timedelta | None = None


def record_success(health: Health) -> Health:
    """A success ends the failing; not the disabling, which only whoever owns the subscription ends."""
    return health if health.disabled_at else HEALTHY


def record_failure(
    health: Health, failure: Failure, now: datetime, policy: EndpointPolicy, jitter: float
) -> Health:
    """The breaker opens after enough failures in a row, or for as long as the endpoint asks; a probe that
    fails opens it again for twice as long. A 410, or nothing but failure for too long, disables."""
    counts = failure.status not in _BODYS_FAULT
    after = replace(
        health,
        failing_since=health.failing_since or now,
        failures=health.failures + 1,
        strikes=health.strikes + counts,
        last=failure.what,
    )
    if counts:
        after = _opened(after, failure, now, policy, jitter)
    return _disabled(after, failure, now, policy)


def _opened(health: Health, failure: Failure, now: datetime, policy: EndpointPolicy, jitter: float) -> Health:
    if failure.asked and failure.status in _BUSY:
        asked = now + min(failure.asked, policy.max_breaker_wait)
        return replace(health, open_until=max(asked, health.open_until or asked))
    # What was under way when it opened says nothing new.
    begun_before = health.open_until is not None and failure.started_at < health.open_until
    if begun_before or (health.open_until is None and health.strikes < policy.breaker_failures):
        return health
    longest = min(policy.max_breaker_wait, FIRST_PROBE * 2 ** min(health.openings, 20))
    wait = longest * (0.5 + 0.5 * jitter)
    return replace(health, openings=health.openings + 1, open_until=now + wait)


def _disabled(health: Health, failure: Failure, now: datetime, policy: EndpointPolicy) -> Health:
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
    """Since when nothing may be sent to it, or None if something may."""
    if subscription.state != "active":
        return subscription.state_since or subscription.created_at
    at = health.disabled_at
    return at if at and not is_reactivated(subscription, health) else None


def is_reactivated(subscription: Subscription, health: Health) -> bool:
    """Whether its owner set it active again after the sink had disabled it."""
    since, at = subscription.state_since, health.disabled_at
    return at is not None and subscription.state == "active" and since is not None and since > at


def condition(health: Health, policy: EndpointPolicy) -> EndpointCondition:
    if health.disabled_at:
        return "disabled"
    return "failing" if health.failures >= policy.breaker_failures else "working"


def status_record(
    subscription: Subscription, health: Health, policy: EndpointPolicy, now: datetime
) -> EndpointStatus:
    """The record for whoever watches over endpoints."""
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

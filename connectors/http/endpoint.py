"""One subscription's endpoint as the owner of its partition serves it: what may begin, and when."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.http.endpoint_health import HEALTHY, EndpointPolicy, Health
from streams.delivery.records import Subscription

CLAIMS_PER_REQUEST = 20
"""Due deliveries known by their keys beside each request under way, so that no endpoint idles while a
transaction commits. Keys only: bodies stay on disk."""
BURST_SECONDS = 0.1
"""Seconds of its rate that an endpoint may get at once."""


@dataclass(slots=True)
class TokenBucket:
    """A token bucket: requests that a rate leaves free."""

    left: float = 1.0
    at: datetime | None = None

    def wait(self, rate: int, now: datetime) -> timedelta:
        """Until one is free; nothing where one is now."""
        if self.at is not None:
            # A clock that was set back must not close the bucket.
            passed = max(0.0, (now - self.at).total_seconds())
            self.left = min(max(1.0, rate * BURST_SECONDS), self.left + passed * rate)
        self.at = now
        return timedelta(0) if self.left >= 1.0 else timedelta(seconds=(1.0 - self.left) / rate)

    def take(self) -> None:
        self.left -= 1.0


@dataclass(slots=True)
class Endpoint:
    """`claimed` deliveries, by their due key, stay so from when they are `ahead` until the outcome is
    committed, or they would be taken for due again."""

    group: bytes
    health: Health = HEALTHY
    claimed: set[bytes] = field(default_factory=set)
    ahead: deque[bytes] = field(default_factory=deque)
    under_way: dict[bytes, "asyncio.Task[None]"] = field(default_factory=dict)
    tokens: TokenBucket = field(default_factory=TokenBucket)

    @property
    def subscription_id(self) -> str:
        return self.group.decode()

    def release(self) -> None:
        """What has not begun is due for whoever comes next."""
        self.claimed.difference_update(self.ahead)
        self.ahead.clear()

    def room(self, subscription: Subscription, policy: EndpointPolicy) -> int:
        """How many more deliveries to claim."""
        most = CLAIMS_PER_REQUEST * (subscription.concurrency or policy.concurrency)
        return most - len(self.claimed)

    def idle(self, subscription: Subscription, policy: EndpointPolicy) -> bool:
        """Whether it has less to do than it may: nothing that is due waits for another's end."""
        return not self.ahead and len(self.claimed) < (subscription.concurrency or policy.concurrency)

    def full(self, subscription: Subscription, policy: EndpointPolicy) -> bool:
        """Whether as many requests are under way as may be: one, the probe, after the breaker has opened."""
        most = 1 if self.health.open_until else subscription.concurrency or policy.concurrency
        return len(self.under_way) >= most

    def wait(self, subscription: Subscription, now: datetime) -> timedelta:
        """Until its breaker and its rate let a request begin."""
        until = self.health.open_until
        if until and until > now:
            return until - now
        rate = subscription.requests_per_second
        return self.tokens.wait(rate, now) if rate else timedelta(0)

"""One subscription's endpoint in memory: how many requests may start, and when."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.http.endpoint_health import HEALTHY, EndpointPolicy, Health
from streams.delivery.records import Subscription

CLAIMS_PER_REQUEST = 20
"""Due keys kept in memory for each allowed request, so that no endpoint idles while a transaction commits.
Bodies stay on disk."""
BURST_SECONDS = 0.1
"""Seconds: an endpoint may get this much of its rate at once."""


@dataclass(slots=True)
class TokenBucket:
    """A token bucket that limits requests per second."""

    left: float = 1.0
    at: datetime | None = None

    def wait(self, rate: int, now: datetime) -> timedelta:
        """Time until a token is free; zero if one is free now. `rate` in requests per second."""
        if self.at is not None:
            # A clock that was set back must not empty the bucket.
            passed = max(0.0, (now - self.at).total_seconds())
            self.left = min(max(1.0, rate * BURST_SECONDS), self.left + passed * rate)
        self.at = now
        return timedelta(0) if self.left >= 1.0 else timedelta(seconds=(1.0 - self.left) / rate)

    def take(self) -> None:
        self.left -= 1.0


@dataclass(slots=True)
class Endpoint:
    """A delivery's due key is `claimed` from when it is `ahead` until its result is committed. Otherwise it
    would be found due a second time."""

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
        """Gives back the claims that have not started."""
        self.claimed.difference_update(self.ahead)
        self.ahead.clear()

    def room(self, subscription: Subscription, policy: EndpointPolicy) -> int:
        """How many more deliveries to claim."""
        most = CLAIMS_PER_REQUEST * (subscription.concurrency or policy.concurrency)
        return most - len(self.claimed)

    def idle(self, subscription: Subscription, policy: EndpointPolicy) -> bool:
        """Whether a request may start without waiting for another one to end."""
        return not self.ahead and len(self.claimed) < (subscription.concurrency or policy.concurrency)

    def full(self, subscription: Subscription, policy: EndpointPolicy) -> bool:
        """Whether no more requests may start. While the breaker is open, one probe may."""
        most = 1 if self.health.open_until else subscription.concurrency or policy.concurrency
        return len(self.under_way) >= most

    def wait(self, subscription: Subscription, now: datetime) -> timedelta:
        """Time until breaker and rate allow a request."""
        until = self.health.open_until
        if until and until > now:
            return until - now
        rate = subscription.requests_per_second
        return self.tokens.wait(rate, now) if rate else timedelta(0)

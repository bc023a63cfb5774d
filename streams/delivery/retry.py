"""When a failed delivery is tried again."""

from datetime import datetime, timedelta

SCHEDULE = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
    timedelta(hours=24),
)
"""The waits after the first, second, … failure: three days in all."""

REFUSED_TRIES = 3
"""Tries for an endpoint that refuses for good (a 4xx other than 408, 425, 429): a wrong path or a missing
header is often mended within the hour, and rarely later."""

_ASKS_FOR_MORE = {408, 425, 429}


def retried(status: int | None) -> bool:
    """Whether time may heal it: no answer at all, a 5xx, or a 4xx that asks to come again."""
    return status is None or status >= 500 or status in _ASKS_FOR_MORE


def next_attempt_at(failed: int, status: int | None, now: datetime, jitter: float) -> datetime | None:
    """When to try again after `failed` attempts, the last answered by `status`; None: give up.

    `jitter` in [0, 1) spreads the wait over its upper half, so that the deliveries of an endpoint that
    comes back do not all arrive in the same moment, nor any of them much too early.
    """
    tries = len(SCHEDULE) + 1 if retried(status) else REFUSED_TRIES
    if failed >= tries:
        return None
    return now + SCHEDULE[failed - 1] * (0.5 + 0.5 * jitter)

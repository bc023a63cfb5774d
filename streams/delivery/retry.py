"""The retry schedule of failed deliveries."""

from datetime import timedelta

RETRY_SCHEDULE = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
)
"""The longest wait after the first, second, … failure. After the last entry the wait stays at 24 hours."""

GIVEN_UP_AFTER = timedelta(days=3)
"""A delivery is given up after waiting so long between attempts in total. Time in which no sink process was
running does not count."""

SHORTEST_WAIT = timedelta(seconds=1)

MAX_RETRY_AFTER = timedelta(hours=24)
"""The longest Retry-After (RFC 9110 section 10.2.3) that is respected."""

MAX_CLIENT_ERROR_TRIES = 3
"""Attempts after a permanent error (a 4xx other than 408, 425 and 429, or a redirect): a wrong path or a
missing header is often fixed within a minute, and rarely later."""

HTTP_GONE = 410

_RETRYABLE_STATUSES = {408, 425, 429}


def is_retryable(status: int | None) -> bool:
    """Whether a later attempt may succeed: there was no answer, a 5xx, or a 4xx that asks to try again. An
    undefined status counts as a 5xx (RFC 9110 section 15)."""
    return status is None or not 100 <= status < 500 or status in _RETRYABLE_STATUSES


def next_wait(
    failed: int,
    waited: timedelta,
    status: int | None,
    *,
    asked: timedelta | None,
    jitter: float,
    waits: tuple[int, ...] = (),
) -> timedelta | None:
    """How long to wait after `failed` attempts, the last of which was answered by `status`; None: give up.

    `waited` is the time waited between attempts so far, `asked` the endpoint's Retry-After. Full jitter:
    `jitter` in [0, 1) spreads the wait over its whole length, so that an endpoint that comes back does not
    get all deliveries at the same moment. `waits`, in seconds, replace the default schedule; after the last
    of them the delivery is given up.
    """
    tries = len(waits) + 1 if waits else None
    if not is_retryable(status):
        tries = min(MAX_CLIENT_ERROR_TRIES, tries or MAX_CLIENT_ERROR_TRIES)
    if (tries is not None and failed >= tries) or (not waits and waited >= GIVEN_UP_AFTER):
        return None
    longest = (
        timedelta(seconds=waits[failed - 1])
        if waits
        else RETRY_SCHEDULE[min(failed, len(RETRY_SCHEDULE)) - 1]
    )
    left = longest if waits else GIVEN_UP_AFTER - waited
    wait = max(SHORTEST_WAIT, min(longest * jitter, left))
    return wait if asked is None else max(wait, min(asked, MAX_RETRY_AFTER))

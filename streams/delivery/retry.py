"""When a failed delivery is tried again."""

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
"""The longest wait after the first, second, … failure; after that every 24 hours."""

GIVEN_UP_AFTER = timedelta(days=3)
"""Of waiting between tries. Time for which nothing was tried, as nobody was there, does not count."""

SHORTEST_WAIT = timedelta(seconds=1)

MAX_RETRY_AFTER = timedelta(hours=24)
"""The most that an endpoint may ask for by Retry-After."""

MAX_CLIENT_ERROR_TRIES = 3
"""Tries for an endpoint that refuses for good (a 4xx other than 408, 425, 429, or a redirect): a wrong path
or a missing header is often mended within the minute, and rarely later."""

HTTP_GONE = 410

_ASKS_FOR_MORE = {408, 425, 429}


def is_retryable(status: int | None) -> bool:
    """Whether time may heal it: no answer at all, a 5xx, or a 4xx that asks to come again. A status that
    there is not counts as a 5xx (RFC 9110, section 15)."""
    return status is None or not 100 <= status < 500 or status in _ASKS_FOR_MORE


def next_wait(
    failed: int,
    waited: timedelta,
    status: int | None,
    *,
    asked: timedelta | None,
    jitter: float,
    waits: tuple[int, ...] = (),
) -> timedelta | None:
    """How long to wait after `failed` attempts, the last answered by `status`; None: give up.

    `waited` so far between tries; `asked` for by the endpoint. Full jitter: `jitter` in [0, 1) spreads the
    wait over its whole length, so that the deliveries of an endpoint that comes back do not all arrive in
    the same moment. `waits`, in seconds, stand for the usual schedule; spent, they end it.
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

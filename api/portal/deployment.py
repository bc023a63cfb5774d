"""What the pages say of this deployment, from its settings and from the policies of the code."""

from dataclasses import dataclass, field
from datetime import timedelta

from api.services.signing_keys import KEY_OVERLAP
from streams.delivery.retry import (
    GIVEN_UP_AFTER,
    MAX_CLIENT_ERROR_TRIES,
    MAX_RETRY_AFTER,
    RETRY_SCHEDULE,
)
from streams.settings import Settings
from streams.webhooks.legacy_shapes import MAX_ARRAY_ITEMS


def duration_text(duration: timedelta) -> str:
    """“2 minutes”, “3 days”, “1 day 2 hours”: only the units that it has."""
    seconds = duration.total_seconds()
    parts = []
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count:.0f} {unit}{'' if count == 1 else 's'}")
    if seconds or not parts:
        parts.append(f"{seconds:g} second{'' if seconds == 1 else 's'}")
    return " ".join(parts)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The policy of a subscription that has none of its own, in words."""

    waits: tuple[str, ...]
    tries: int
    given_up_after: str
    client_error_tries: int
    max_retry_after: str


def retry_policy() -> RetryPolicy:
    """`tries`: the most that fit if each wait is as long as it may be."""
    waits, waited = list(RETRY_SCHEDULE), sum(RETRY_SCHEDULE, timedelta())
    while waited < GIVEN_UP_AFTER:
        waits.append(min(RETRY_SCHEDULE[-1], GIVEN_UP_AFTER - waited))
        waited += waits[-1]
    return RetryPolicy(
        waits=tuple(duration_text(wait) for wait in waits),
        tries=len(waits) + 1,
        given_up_after=duration_text(GIVEN_UP_AFTER),
        client_error_tries=MAX_CLIENT_ERROR_TRIES,
        max_retry_after=duration_text(MAX_RETRY_AFTER),
    )


@dataclass(frozen=True, slots=True)
class Deployment:
    """`networks`: where requests come from; none where that is not published. `disable_after` and `held` are
    None where there is no such end."""

    networks: tuple[str, ...]
    dotted_names: bool
    request_timeout: str
    breaker_failures: int
    breaker_wait: str
    disable_after: str | None
    held: str | None
    legacy_batch: str
    is_public: bool
    """Whether anybody may read the documentation, or only those who sign in."""
    retries: RetryPolicy = field(default_factory=retry_policy)
    secret_overlap: str = duration_text(KEY_OVERLAP)
    """For how long a secret that was replaced signs too."""
    max_array_items: int = MAX_ARRAY_ITEMS


def describe_deployment(settings: Settings) -> Deployment:
    return Deployment(
        networks=tuple(str(network) for network in settings.sender_networks),
        dotted_names=settings.event_names == "dotted",
        request_timeout=duration_text(timedelta(seconds=settings.request_timeout)),
        breaker_failures=settings.breaker_failures,
        breaker_wait=duration_text(timedelta(seconds=settings.breaker_wait)),
        disable_after=_days_text(settings.disable_after_days),
        held=_days_text(settings.held_days),
        legacy_batch=duration_text(timedelta(seconds=settings.legacy_batch_seconds)),
        is_public=settings.docs_access == "public",
    )


def default_deployment() -> Deployment:
    """One whose settings are the defaults, whatever the environment says."""
    return describe_deployment(Settings.model_construct())


def _days_text(days: int) -> str | None:
    return duration_text(timedelta(days=days)) if days else None

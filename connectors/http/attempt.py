"""Makes one attempt of a delivery and always returns its result."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from connectors.http.attempt_sender import AttemptSender
from connectors.http.endpoint_health import EndpointPolicy
from connectors.http.pending import Pending
from connectors.http.retry_policy import INTERNAL_FAULT, SentAttempt, Settlement, internal_failure
from streams.delivery.subscription import Subscriptions

LOG = logging.getLogger(__name__)


def ignore_attempt(sent: SentAttempt, settlement: Settlement) -> None:
    """Observes nothing."""


@dataclass(frozen=True, slots=True)
class SinkPorts:
    """What the sink needs from outside: subscriptions, the sender, time, ids and jitter."""

    subscriptions: Subscriptions
    attempt_sender: AttemptSender
    policy: EndpointPolicy
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    jitter: Callable[[], float]
    observe_attempt: Callable[[SentAttempt, Settlement], None] = ignore_attempt


async def make_attempt(outside: SinkPorts, pending: Pending) -> SentAttempt | None:
    """Returns None if the subscription has just been deleted. An error is recorded as the attempt's
    failure."""
    delivery = pending.delivery
    # The present subscription: an address that was corrected meanwhile is used at once.
    subscription = outside.subscriptions.get(delivery.subscription_id)
    if subscription is None:
        return None
    request_id, started_at = outside.new_id(), outside.now()
    try:
        answer = await outside.attempt_sender.send(delivery, subscription, request_id, started_at)
    except BaseException as error:
        # A Rust extension's panic and a stray CancelledError are BaseExceptions: they end this attempt only.
        if _is_ours(error):
            raise
        LOG.exception("attempt %s of delivery %s: %s", request_id, delivery.delivery_id, INTERNAL_FAULT)
        answer = internal_failure(error)
    return SentAttempt(pending, request_id, started_at, answer, subscription.retry_waits)


def _is_ours(error: BaseException) -> bool:
    """Whether the error asks the process, or this partition's task, to end."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit)

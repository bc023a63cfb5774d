"""One attempt of a delivery, and what came of it, whatever that is."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from connectors.http.attempt_sender import AttemptSender
from connectors.http.endpoint_health import EndpointPolicy
from connectors.http.pending import Pending
from connectors.http.retry_policy import INTERNAL_FAULT, SentAttempt, internal_failure
from streams.delivery.subscription import Subscriptions

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SinkPorts:
    """What the sink reaches out to. Time, ids and jitter are ports."""

    subscriptions: Subscriptions
    attempt_sender: AttemptSender
    policy: EndpointPolicy
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    jitter: Callable[[], float]


async def make_attempt(outside: SinkPorts, pending: Pending) -> SentAttempt | None:
    """None: its subscription was deleted in this very moment. Whatever is raised is the attempt's failure."""
    delivery = pending.delivery
    # As it is now: an address corrected since then is the one to use.
    subscription = outside.subscriptions.get(delivery.subscription_id)
    if subscription is None:
        return None
    request_id, started_at = outside.new_id(), outside.now()
    try:
        answer = await outside.attempt_sender.send(delivery, subscription, request_id, started_at)
    except BaseException as error:
        # Rust's panics are no Exceptions, nor is a cancelling that nobody asked of this task.
        if _is_ours(error):
            raise
        LOG.exception("attempt %s of delivery %s: %s", request_id, delivery.delivery_id, INTERNAL_FAULT)
        answer = internal_failure(error)
    return SentAttempt(pending, request_id, started_at, answer, subscription.retry_waits)


def _is_ours(error: BaseException) -> bool:
    """Whether it is the end of the process, or of the partition's task, that is asked for."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit)

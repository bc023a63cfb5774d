"""Makes one attempt of a delivery and always returns its result."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from connectors.http.attempt_sender import Courier
from connectors.http.endpoint_health import Policy
from connectors.http.pending import Pending
from connectors.http.retry_policy import FAULT, Sent, failed_within
from streams.delivery.subscription import Subscriptions

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outside:
    """What the sink needs from outside: subscriptions, the sender, time, ids and jitter."""

    subscriptions: Subscriptions
    courier: Courier
    policy: Policy
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    jitter: Callable[[], float]


async def attempted(outside: Outside, pending: Pending) -> Sent | None:
    """Returns None if the subscription has just been deleted. An error is recorded as the attempt's
    failure."""
    delivery = pending.delivery
    # The present subscription: an address that was corrected meanwhile is used at once.
    subscription = outside.subscriptions.get(delivery.subscription_id)
    if subscription is None:
        return None
    request_id, started_at = outside.new_id(), outside.now()
    try:
        answer = await outside.courier.send(delivery, subscription, request_id, started_at)
    except BaseException as error:
        # A Rust extension's panic and a stray CancelledError are BaseExceptions: they end this attempt only.
        if _is_ours(error):
            raise
        LOG.exception("attempt %s of delivery %s: %s", request_id, delivery.delivery_id, FAULT)
        answer = failed_within(error)
    return Sent(pending, request_id, started_at, answer, subscription.retry_waits)


def _is_ours(error: BaseException) -> bool:
    """Whether the error asks the process, or this partition's task, to end."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit)

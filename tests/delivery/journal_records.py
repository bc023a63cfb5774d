"""Records of deliveries as tests of the journal need them."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from streams.delivery.records import Attempt, DeadLetter, Delivery, Outcome
from tests.connectors.sink_driver import delivery
from tests.samples import NOON, uid

SECOND = timedelta(seconds=1)
_STATUSES: dict[Outcome, int] = {"delivered": 200, "retry": 503, "held": 410, "dead": 503}


def attempt(of: Delivery, outcome: Outcome = "delivered", number: int = 1, at: datetime = NOON) -> Attempt:
    return Attempt(
        request_id=uid(700_000 + number),
        delivery_id=of.delivery_id,
        subscription_id=of.subscription_id,
        webhook_event_id=of.webhook_event_id,
        event_name=of.event_name,
        store=of.store,
        member_id=of.member_id,
        number=number,
        started_at=at,
        duration_ms=12,
        outcome=outcome,
        status=_STATUSES[outcome],
        error=None,
        next_attempt_at=at + 5 * SECOND if outcome == "retry" else None,
        response="OK" if outcome == "delivered" else "busy",
        error_class=None if outcome == "delivered" else "their answer",
    )


def letter(of: Delivery, at: datetime = NOON) -> DeadLetter:
    reason = "given up after 3 attempts, the last one answered 503"
    return DeadLetter(delivery=of, reason=reason, attempts=3, status=503, given_up_at=at)


def dated(of: Delivery, at: datetime) -> Delivery:
    return replace(of, created_at=at)


__all__ = ["SECOND", "attempt", "dated", "delivery", "letter"]

"""What clients read of a delivery: the contract's names."""

from typing import Any

from connectors.http.request_preview import RequestPreview, preview_request
from streams.delivery.delivery_search import DeliveryDetails
from streams.delivery.delivery_state import DeliveryState, LastAttempt
from streams.delivery.explain import EventExplanation, Verdict
from streams.delivery.records import Attempt, Subscription
from streams.webhooks.parts import iso_instant

DeliveryRow = dict[str, Any]
NO_REQUEST_ID = "00000000-0000-0000-0000-000000000000"
"""Stands for the requestId of a request that has not been made."""


def delivery_row(known: DeliveryState) -> DeliveryRow:
    """One line of the log."""
    return {
        "messageId": known.delivery_id,
        "subscriptionId": known.subscription_id,
        "webhookEventId": known.webhook_event_id,
        "eventName": known.event_name,
        "customerId": None if known.of_many else known.member_id,
        "createdAt": iso_instant(known.created_at),
        "madeAt": iso_instant(known.made_at),
        "legacy": known.legacy,
        "replay": known.replay,
        "status": known.status,
        "reason": known.reason if known.status == "dead" else None,
        "attempts": known.attempts,
        "nextAttemptAt": iso_instant(known.next_attempt_at),
        "lastAttempt": _last(known.last) if known.last else None,
    }


def delivery_body(
    one: DeliveryDetails, subscription: Subscription | None, *, dotted_names: bool
) -> DeliveryRow:
    """The whole of it."""
    request = rebuild_request(one, subscription, dotted_names=dotted_names)
    return {
        **delivery_row(one.known),
        "request": _request(request) if request else None,
        "attempts": [_attempt(attempt) for attempt in one.attempts],
    }


def rebuild_request(
    one: DeliveryDetails, subscription: Subscription | None, *, dotted_names: bool
) -> RequestPreview | None:
    """As it was sent last, or will be; None where what was in it is not kept."""
    if one.delivery is None:
        return None
    request_id = one.attempts[-1].request_id if one.attempts else NO_REQUEST_ID
    return preview_request(one.delivery, subscription, request_id, dotted_names=dotted_names)


def _request(request: RequestPreview) -> DeliveryRow:
    return {
        "method": request.method,
        "url": request.url,
        "headers": [{"headerName": name, "headerValue": value} for name, value in request.headers],
        "body": request.body,
    }


def _last(attempt: LastAttempt | Attempt) -> DeliveryRow:
    return {
        "number": attempt.number,
        "startedAt": iso_instant(attempt.started_at),
        "durationMs": attempt.duration_ms,
        "outcome": attempt.outcome,
        "status": attempt.status,
        "error": attempt.error,
        "errorClass": attempt.error_class,
    }


def _attempt(attempt: Attempt) -> DeliveryRow:
    return {
        **_last(attempt),
        "requestId": attempt.request_id,
        "nextAttemptAt": iso_instant(attempt.next_attempt_at),
        "response": attempt.response,
    }


def explanation_body(of: EventExplanation) -> DeliveryRow:
    """Renders why an event arrived or did not."""
    return {
        "webhookEventId": of.webhook_event_id,
        "eventName": of.event_name,
        "customerId": of.member_id,
        "createdAt": iso_instant(of.created_at),
        "verdicts": [_verdict(verdict) for verdict in of.verdicts],
    }


def _verdict(verdict: Verdict) -> DeliveryRow:
    by = verdict.condition
    return {
        "subscriptionId": verdict.subscription_id,
        "verdict": verdict.kind,
        "sentence": verdict.sentence,
        "messageId": verdict.delivery.delivery_id if verdict.delivery else None,
        "condition": by and {"path": by.path, "operator": by.operator, "value": by.value},
        "found": verdict.found,
    }

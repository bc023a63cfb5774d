"""Shows a delivery's request as it is sent, with secret header values hidden. Pure."""

import re
from dataclasses import dataclass

from connectors.http import cloud_events
from connectors.http.envelope import envelope, headers
from streams.delivery.records import Delivery, Header, Subscription

HIDDEN = ""
_SIGNATURES = {
    "none": (),
    "standard": ("webhook-id", "webhook-timestamp", "webhook-signature"),
    "original": (
        "X-Webhook-Signature",
        "X-Webhook-Signature-Algorithm",
        "X-Webhook-Timestamp",
        "X-Webhook-Request-Id",
        "X-Webhook-Signature-Version",
    ),
}
_TELLING = re.compile("auth|cookie|key|pass|secret|signature|token", re.IGNORECASE)
"""Names of headers that probably hold a secret, even if it is not sealed."""


@dataclass(frozen=True, slots=True)
class RequestPreview:
    """`url` is None if the subscription was deleted. A header's value is None if it is hidden."""

    url: str | None
    headers: tuple[tuple[str, str | None], ...]
    body: str
    method: str = "POST"


def preview_request(
    delivery: Delivery, subscription: Subscription | None, request_id: str, *, dotted_names: bool = False
) -> RequestPreview:
    """The request with the subscription's present address, headers and mode. Former ones are not stored."""
    mode = cloud_events.mode_of(delivery, subscription) if subscription else None
    wanted = [(each.name, _value(each)) for each in subscription.headers] if subscription else []
    standing = cloud_events.headers(delivery, request_id, mode, dotted_names)
    if subscription:
        standing |= dict.fromkeys(_SIGNATURES[subscription.signing], HIDDEN)
        if subscription.auth and subscription.auth.kind != "mtls":
            standing["Authorization"] = HIDDEN
    return RequestPreview(
        url=subscription.url if subscription else None,
        headers=tuple((n, v or None) for n, v in headers(delivery, wanted, standing).items()),
        body=envelope(delivery, request_id, dotted_names, mode).decode(),
    )


def _value(header: Header) -> str:
    return HIDDEN if header.sealed or _TELLING.search(header.name) else header.value

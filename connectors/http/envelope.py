"""The body around a delivery's data, and the request's headers. A header for every webhook goes here."""

from collections.abc import Iterable, Mapping
from datetime import UTC
from importlib.metadata import version

import msgspec

from connectors.http import cloud_events
from streams.delivery.records import Delivery
from streams.delivery.subscription_options import CloudEvents
from streams.webhooks.names import LEGACY_TYPES

USER_AGENT = f"loyalty-webhooks/{version('loyalty-webhooks')}"
LEGACY_USER_AGENT = "OpenLoyalty"
"""The old edition's user agent: its receivers may recognize webhooks by it."""

FRAMING_HEADERS = {
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
}
"""Headers that frame a request (RFC 9112). Only the HTTP client sets them."""


class _Envelope(msgspec.Struct, rename="camel"):
    message_id: str
    request_id: str
    event_name: str
    store_code: str
    created_at: str
    data: msgspec.Raw


class _LegacyEnvelope(msgspec.Struct):
    type: str
    data: msgspec.Raw


NO_HEADERS: Mapping[str, str] = {}
_JSON = msgspec.json.Encoder()


def envelope(
    delivery: Delivery, request_id: str, dotted_names: bool = False, mode: CloudEvents | None = None
) -> bytes:
    """The body of one attempt. It holds the delivery's data byte for byte.

    `dotted_names` writes `account.available_points_amount_changed` instead of `AvailablePointsAmountChanged`
    in the new format; the legacy format always has the dotted name. `mode` makes a CloudEvents body instead.
    """
    if mode:
        return cloud_events.body(delivery, request_id, mode, dotted_names)
    data = msgspec.Raw(delivery.data.encode())
    if delivery.legacy:
        kind = delivery.legacy_type or LEGACY_TYPES[delivery.event_name]
        return _JSON.encode(_LegacyEnvelope(kind, data))
    return _JSON.encode(
        _Envelope(
            message_id=delivery.delivery_id,
            request_id=request_id,
            event_name=LEGACY_TYPES[delivery.event_name] if dotted_names else delivery.event_name,
            store_code=delivery.store,
            created_at=delivery.created_at.astimezone(UTC).isoformat(timespec="seconds"),
            data=data,
        )
    )


def headers(
    delivery: Delivery, wanted: Iterable[tuple[str, str]], standing: Mapping[str, str] = NO_HEADERS
) -> dict[str, str]:
    """The headers of a request: ours, then the delivery's, then the subscription's (`wanted`). A later one
    replaces an earlier one of the same name in any case. Framing headers are left out.

    The `standing` ones, signature and authentication, replace all others: they are useless under another
    name.
    """
    named = {
        "content-type": ("Content-Type", "application/json"),
        "user-agent": ("User-Agent", LEGACY_USER_AGENT if delivery.legacy else USER_AGENT),
    }
    for name, value in (*delivery.meta.items(), *wanted):
        lower = name.lower()
        if lower not in FRAMING_HEADERS:
            named[lower] = name, value
    for name, value in standing.items():
        named[name.lower()] = name, value
    return dict(named.values())

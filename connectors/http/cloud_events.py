"""CloudEvents 1.0 over HTTP, as a third format beside new and legacy. Pure.

structured  attributes and data in one JSON object, Content-Type application/cloudevents+json
binary      the data alone as body, each attribute in a header `ce-…`

`id` is the messageId, which every attempt repeats. The extension `requestid` is the attempt's own id.
`subject` is the member.
"""

from datetime import UTC

import msgspec

from streams.delivery.records import Delivery, Subscription
from streams.delivery.subscription_options import CloudEvents
from streams.webhooks.names import LEGACY_TYPES

STRUCTURED = "application/cloudevents+json; charset=utf-8"
_JSON = msgspec.json.Encoder()


def mode_of(delivery: Delivery, subscription: Subscription) -> CloudEvents | None:
    """The CloudEvents mode of an attempt, or None. A delivery that was made in the legacy format keeps it."""
    return None if delivery.legacy else subscription.cloud_events


def attributes(delivery: Delivery, request_id: str, dotted_names: bool = False) -> dict[str, str]:
    name = delivery.event_name
    return {
        "specversion": "1.0",
        "id": delivery.delivery_id,
        "source": f"/stores/{delivery.store}",
        "type": LEGACY_TYPES[name] if dotted_names else name,
        "time": delivery.created_at.astimezone(UTC).isoformat(timespec="seconds"),
        "subject": delivery.member_id,
        "requestid": request_id,
    }


def body(delivery: Delivery, request_id: str, mode: CloudEvents, dotted_names: bool = False) -> bytes:
    """The body in that mode. It holds the delivery's data byte for byte."""
    data = delivery.data.encode()
    if mode == "binary":
        return data
    told = attributes(delivery, request_id, dotted_names)
    return _JSON.encode({**told, "datacontenttype": "application/json", "data": msgspec.Raw(data)})


def headers(
    delivery: Delivery, request_id: str, mode: CloudEvents | None, dotted_names: bool = False
) -> dict[str, str]:
    """Further headers of that mode; none without a mode."""
    match mode:
        case None:
            return {}
        case "structured":
            return {"Content-Type": STRUCTURED}
        case "binary":
            told = attributes(delivery, request_id, dotted_names)
            # All values are ASCII without blanks or percent signs, so nothing has to be escaped.
            return {f"ce-{name}": value for name, value in told.items()}

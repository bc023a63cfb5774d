"""CloudEvents 1.0 over HTTP, as a third format beside new and legacy. Pure.

structured  attributes and data in one JSON object, Content-Type application/cloudevents+json
binary      the data alone as body, each attribute in a header `ce-…`

`id` is the messageId, the same on every attempt; the attempt's own id is the extension `requestid`. `subject`
is the member.
"""

from datetime import UTC

import msgspec

from streams.delivery.records import Delivery, Subscription
from streams.delivery.subscription_options import CloudEvents
from streams.webhooks.names import LEGACY_TYPES

STRUCTURED = "application/cloudevents+json; charset=utf-8"
_JSON = msgspec.json.Encoder()


def mode_of(delivery: Delivery, subscription: Subscription) -> CloudEvents | None:
    """None: no CloudEvents. What was made in the legacy format before the subscription changed stays so."""
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
    """The delivery's data stands in it byte for byte."""
    data = delivery.data.encode()
    if mode == "binary":
        return data
    told = attributes(delivery, request_id, dotted_names)
    return _JSON.encode({**told, "datacontenttype": "application/json", "data": msgspec.Raw(data)})


def headers(
    delivery: Delivery, request_id: str, mode: CloudEvents | None, dotted_names: bool = False
) -> dict[str, str]:
    """Beside the usual ones, and before them; none without a mode."""
    match mode:
        case None:
            return {}
        case "structured":
            return {"Content-Type": STRUCTURED}
        case "binary":
            told = attributes(delivery, request_id, dotted_names)
            # All are ASCII without blanks or percent signs: nothing has to be escaped.
            return {f"ce-{name}": value for name, value in told.items()}

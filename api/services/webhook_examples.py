"""Example requests: what a receiver gets of each webhook in each format, headers and signature included.

They are made by the code that makes and signs the real ones, from one event for all formats.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from api.services.sample_delivery import example_deliveries, example_subscription
from connectors.http import cloud_events
from connectors.http.envelope import envelope, headers
from connectors.http.signing import sign_standard
from connectors.http.signing_keys import SHARED, read_key
from streams.delivery.records import Delivery
from streams.delivery.subscription_options import CloudEvents
from streams.domain.ids import derived_id
from streams.webhooks.catalogue import Webhook
from streams.webhooks.example import example_event
from streams.webhooks.schema import BodyFormat

EXAMPLE_SECRET = SHARED + "bG95YWx0eS13ZWJob29rcy1leGFtcGxlLXNlY3JldCE="
"""Signs the examples, so that a reader can check code with them. It is public: nobody else uses it."""
EXAMPLE_REQUEST_ID = derived_id("example", "request")


@dataclass(frozen=True, slots=True)
class ExampleRequest:
    """One request. `form`: new, legacy, second (legacy), structured or binary (CloudEvents)."""

    form: str
    headers: dict[str, str]
    body: bytes
    message_id: str


def example_requests(
    entry: Webhook[Any], at: datetime, *, store: str = "DEFAULT", dotted_names: bool = False
) -> list[ExampleRequest]:
    """One request for each format in which that webhook is sent, as it is signed at `at`."""
    event = replace(example_event(entry, at), store=store, webhook_event_id=derived_id("example", entry.name))
    deliveries = {
        legacy: example_deliveries(event, example_subscription(entry.name, store, at, legacy=legacy))
        for legacy in (False, True)
    }
    (new,) = deliveries[False]
    return [
        _request("new", new, at, dotted_names),
        *(_request(form, d, at, dotted_names) for form, d in _legacy_forms(deliveries[True])),
        _request("structured", new, at, dotted_names, "structured"),
        _request("binary", new, at, dotted_names, "binary"),
    ]


def _legacy_forms(deliveries: list[Delivery]) -> Iterator[tuple[BodyFormat, Delivery]]:
    forms: tuple[BodyFormat, ...] = ("legacy", "second")
    yield from zip(forms, deliveries, strict=False)


def _request(
    form: str, delivery: Delivery, at: datetime, dotted_names: bool, mode: CloudEvents | None = None
) -> ExampleRequest:
    body = envelope(delivery, EXAMPLE_REQUEST_ID, dotted_names, mode)
    standing = cloud_events.headers(delivery, EXAMPLE_REQUEST_ID, mode, dotted_names)
    standing |= sign_standard(delivery.delivery_id, at, body, [read_key(EXAMPLE_SECRET)])
    return ExampleRequest(form, headers(delivery, (), standing), body, delivery.delivery_id)

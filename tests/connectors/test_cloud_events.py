"""CloudEvents 1.0 as a third format: what both modes hold, on every attempt."""

import json

import msgspec

from connectors.http import cloud_events
from connectors.http.envelope import envelope, headers
from tests.connectors.test_envelope import DATA, DELIVERY, LEGACY
from tests.samples import ANNA, subscription, uid

REQUIRED = {"specversion": "1.0", "id": uid(40), "source": "/stores/DEFAULT"}


def test_a_structured_body_has_the_attributes_and_the_data_byte_for_byte() -> None:
    body = envelope(DELIVERY, uid(42), mode="structured")

    told = json.loads(body)
    assert {name: told[name] for name in REQUIRED} == REQUIRED
    assert (told["type"], told["subject"]) == ("AvailablePointsAmountChanged", ANNA)
    assert (told["time"], told["datacontenttype"]) == ("2026-03-02T12:00:07+00:00", "application/json")
    assert told["requestid"] == uid(42)
    assert DATA.encode() in body


def test_a_binary_body_is_the_data_and_its_headers_are_the_attributes() -> None:
    assert envelope(DELIVERY, uid(42), mode="binary") == DATA.encode()

    sent = headers(DELIVERY, (), cloud_events.headers(DELIVERY, uid(42), "binary"))
    assert {f"ce-{name}": value for name, value in REQUIRED.items()}.items() <= sent.items()
    assert sent["Content-Type"] == "application/json"
    assert all(value.isascii() and value.isprintable() and " " not in value for value in sent.values())


def test_a_structured_body_says_so_in_its_content_type() -> None:
    sent = headers(DELIVERY, (), cloud_events.headers(DELIVERY, uid(42), "structured"))

    assert sent["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert not any(name.startswith("ce-") for name in sent)


def test_the_type_is_dotted_where_the_deployment_says_so() -> None:
    told = cloud_events.attributes(DELIVERY, uid(42), dotted_names=True)

    assert told["type"] == "account.available_points_amount_changed"


def test_what_was_made_in_the_legacy_format_stays_in_it() -> None:
    changed = msgspec.structs.replace(subscription(DELIVERY.event_name), cloud_events="binary")

    assert cloud_events.mode_of(LEGACY, changed) is None
    assert cloud_events.mode_of(DELIVERY, changed) == "binary"

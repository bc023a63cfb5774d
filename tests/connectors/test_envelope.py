"""What an endpoint gets, byte for byte."""

from datetime import UTC, datetime, timedelta, timezone
from importlib.metadata import version

import msgspec
import pytest

from connectors.http.envelope import envelope, headers
from streams.delivery.records import Delivery
from tests.samples import ANNA, STORE, uid

DATA = '{"amount":12.500000,"note":"é","n":12345678901234567890123456789.1}'
DELIVERY = Delivery(
    delivery_id=uid(40),
    subscription_id=uid(500),
    webhook_event_id=uid(41),
    event_name="AvailablePointsAmountChanged",
    store=STORE,
    member_id=ANNA,
    created_at=datetime(2026, 3, 2, 13, 0, 7, 999_000, tzinfo=timezone(timedelta(hours=1))),
    legacy=False,
    data=DATA,
)
LEGACY = msgspec.structs.replace(DELIVERY, legacy=True)


def wanted(**pairs: str) -> list[tuple[str, str]]:
    return [(name.replace("_", "-"), value) for name, value in pairs.items()]


def test_the_new_body_has_its_six_fields_in_order_and_the_time_in_utc_seconds() -> None:
    assert envelope(DELIVERY, uid(42)).decode() == (
        '{"messageId":"00000000-0000-4000-8000-000000000040",'
        '"requestId":"00000000-0000-4000-8000-000000000042",'
        '"eventName":"AvailablePointsAmountChanged","storeCode":"DEFAULT",'
        '"createdAt":"2026-03-02T12:00:07+00:00",'
        f'"data":{DATA}}}'
    )


def test_dotted_names_change_the_event_name_alone() -> None:
    dotted = envelope(DELIVERY, uid(42), dotted_names=True)

    assert dotted == envelope(DELIVERY, uid(42)).replace(
        b"AvailablePointsAmountChanged", b"account.available_points_amount_changed"
    )


def test_the_legacy_body_has_type_and_data_and_nothing_else() -> None:
    expected = f'{{"type":"account.available_points_amount_changed","data":{DATA}}}'

    assert envelope(LEGACY, uid(42)).decode() == expected
    assert envelope(LEGACY, uid(42), dotted_names=True).decode() == expected


def test_a_second_legacy_webhook_goes_out_under_its_own_type() -> None:
    second = msgspec.structs.replace(LEGACY, legacy_type="customer.level_changed_automatically")

    assert envelope(second, uid(42)) == envelope(LEGACY, uid(42)).replace(
        b"account.available_points_amount_changed", b"customer.level_changed_automatically"
    )


def test_a_legacy_array_stays_an_array() -> None:
    expiring = msgspec.structs.replace(LEGACY, event_name="PointsWillExpire", data='[{"points":5}]')

    assert (
        envelope(expiring, uid(42))
        == b'{"type":"account.expiring_points_notification","data":[{"points":5}]}'
    )


def test_the_user_agent_tells_new_from_legacy() -> None:
    assert headers(DELIVERY, ()) == {
        "Content-Type": "application/json",
        "User-Agent": f"loyalty-webhooks/{version('loyalty-webhooks')}",
    }
    assert headers(LEGACY, ()) == {"Content-Type": "application/json", "User-Agent": "OpenLoyalty"}


def test_the_deliverys_and_the_subscribers_headers_come_along() -> None:
    delivery = msgspec.structs.replace(DELIVERY, meta={"Meta-Sequence": "7"})

    sent = headers(delivery, wanted(Authorization="Bearer abc"))

    assert list(sent) == ["Content-Type", "User-Agent", "Meta-Sequence", "Authorization"]
    assert sent["Meta-Sequence"] == "7"
    assert sent["Authorization"] == "Bearer abc"


def test_the_subscribers_header_replaces_ours_whatever_its_case() -> None:
    sent = headers(DELIVERY, wanted(user_agent="Till/1"))

    assert sent == {"Content-Type": "application/json", "user-agent": "Till/1"}


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer_Encoding", "Connection"])
def test_a_subscriber_cannot_reframe_the_request(name: str) -> None:
    assert headers(DELIVERY, wanted(**{name: "x"})) == headers(DELIVERY, ())


def test_what_proves_who_we_are_cannot_be_replaced_by_the_subscribers_headers() -> None:
    sent = headers(DELIVERY, wanted(WEBHOOK_ID="forged", X_Shop="blue"), {"webhook-id": uid(40)})

    assert sent["webhook-id"] == uid(40)
    assert "WEBHOOK-ID" not in sent
    assert sent["X-Shop"] == "blue"


def test_a_time_already_in_utc_stays() -> None:
    noon = msgspec.structs.replace(DELIVERY, created_at=datetime(2026, 3, 2, 12, tzinfo=UTC))

    assert b'"createdAt":"2026-03-02T12:00:00+00:00"' in envelope(noon, uid(42))

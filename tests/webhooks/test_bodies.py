"""What bodies say where one golden file cannot show it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from streams.delivery.fan_out import body_json, fan_out
from streams.domain.values import Trigger, TriggerType
from streams.webhooks.events import (
    AvailablePointsAmountChanged,
    CampaignEffectWasApplied,
    CouponWillExpire,
    CustomerLevelChanged,
    WebhookEvent,
)
from tests.samples import WALLET_TYPE, subscription, uid
from tests.webhooks.told import AT, HEAD, TOLD, WHO

BY_TYPE: dict[type[WebhookEvent], Any] = {type(event): event for event in TOLD}
MOVED: CustomerLevelChanged = BY_TYPE[CustomerLevelChanged]


def data(event: WebhookEvent, *, legacy: bool = False) -> Any:
    return msgspec.json.decode(body_json(event, legacy=legacy))


def legacy_types(event: CustomerLevelChanged) -> list[tuple[str | None, str | None]]:
    told = fan_out(event, [subscription("CustomerLevelChanged", legacy=True)])
    return [(d.legacy_type, msgspec.json.decode(d.data).get("levelMove")) for d in told]


def test_an_automatic_move_is_told_to_legacy_endpoints_twice_with_its_direction() -> None:
    automatically = "customer.level_changed_automatically"

    down = replace(MOVED, move_up=False, move_down=True)

    assert legacy_types(MOVED) == [(None, None), (automatically, "up")]
    assert legacy_types(down) == [(None, None), (automatically, "down")]


def test_a_move_by_hand_and_the_first_tier_are_told_once() -> None:
    assert legacy_types(replace(MOVED, automatic=False)) == [(None, None)]
    assert legacy_types(replace(MOVED, move_up=False)) == [(None, None)]


def test_both_deliveries_of_a_move_have_ids_of_their_own_that_a_replay_makes_again() -> None:
    wanted = [subscription("CustomerLevelChanged", legacy=True)]

    ids, again = ([d.delivery_id for d in fan_out(MOVED, wanted)] for _ in range(2))

    assert len(set(ids)) == 2
    assert ids == again


@pytest.mark.parametrize(
    ("kind", "old"),
    [
        ("add", "add"),
        ("subtract", "subtract"),
        ("p2p_add", "p2p_add"),
        ("p2p_subtract", "p2p_subtract"),
        ("block", "subtract"),
        ("unblock", "add"),
        ("expire", "subtract"),
        ("activate", "add"),
        ("cancel", "subtract"),
    ],
)
def test_legacy_endpoints_read_only_the_four_types_of_change_that_they_know(kind: str, old: str) -> None:
    changed = AvailablePointsAmountChanged(
        **{**HEAD, "customer": WHO},
        wallet_id=uid(850),
        wallet=WALLET_TYPE,
        amount_before=Decimal(5),
        amount=Decimal(10),
        amount_change=Decimal(5),
        amount_change_type=kind,
        sequence=1,
        transfer_id=uid(860),
        cause=None,
    )

    assert data(changed)["amountChangeType"] == kind
    assert data(changed, legacy=True)["amount_change_type"] == old
    assert data(changed, legacy=True)["amount_change"] == 5


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "return_transaction",
            {"purchasedAt": "2026-05-04T09:00:00+00:00", "documentNumber": "R/2026/18"},
        ),
        ("custom_event", {"eventDate": "2026-05-04T09:00:00+00:00", "eventId": uid(611)}),
        ("internal_event", {"payload": {"eventName": "CustomerRegistered"}}),
    ],
)
def test_a_campaigns_trigger_says_what_belongs_to_its_type(kind: TriggerType, expected: Any) -> None:
    trigger = Trigger(
        type=kind,
        trigger_id=uid(611),
        created_at=AT,
        performed_at=datetime(2026, 5, 4, 9, tzinfo=UTC),
        document_number="R/2026/18",
        event_name="CustomerRegistered",
    )
    applied: CampaignEffectWasApplied = replace(BY_TYPE[CampaignEffectWasApplied], trigger=trigger)

    campaign = data(applied)["campaign"]

    head = {"type": kind, "triggerId": uid(611), "createdAt": "2026-05-04T09:15:30+00:00"}
    assert campaign["triggerType"] == kind
    assert campaign["trigger"] == {**head, **expected}


def test_a_coupon_that_is_not_active_yet_is_told_so_in_the_legacy_body() -> None:
    told: CouponWillExpire = BY_TYPE[CouponWillExpire]
    later = replace(told.coupon, active_from=told.created_at + timedelta(seconds=1))

    assert data(replace(told, coupon=later), legacy=True)[0]["couponStatus"] == "inactive"

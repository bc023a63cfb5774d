"""Each webhook of the catalogue: its bodies as documented, and nothing about it forgotten."""

import json
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import pytest

from connectors.http.envelope import envelope
from streams.delivery.fan_out import fan_out
from streams.domain.events import Event
from streams.topics import WEBHOOK_EVENTS
from streams.webhooks import CATALOGUE
from streams.webhooks.derivation import DERIVATION_RULES
from streams.webhooks.names import LEGACY_TYPES
from tests.samples import subscription
from tests.webhooks.scenario import REQUEST, delivered
from tests.webhooks.told import TOLD

GOLDEN = Path(__file__).parent.parent / "golden"
NAMES = sorted(CATALOGUE)
BY_HAND = {type(event).__name__: event for event in TOLD}
"""Those that the story does not tell of."""

DOCUMENTED = {
    "TransactionRegistered": "transaction.registered",
    "PointsWillExpire": "account.expiring_points_notification",
    "LevelWillExpire": "account.expiring_level_notification",
    "AvailablePointsAmountChanged": "account.available_points_amount_changed",
    "TransactionAssignedToCustomer": "transaction.assigned_to_customer",
    "RewardRedemptionStatusChanged": "reward.redemption_status_changed",
    "CampaignEffectWasApplied": "campaign.effect_was_applied",
    "CustomerWasRegisteredWithoutActivation": "customer.registered_without_activation",
    "CustomerUpdated": "customer.updated",
    "CustomerRequestedSendActivationCode": "customer.requested_send_activation_code",
    "CustomerRequestedPasswordReset": "customer.requested_password_reset",
    "CustomerRegistered": "customer.registered",
    "CustomerPhoneNumberWasChanged": "customer.phone_number_was_changed",
    "CustomerLevelChanged": "customer.level_changed",
    "CustomerEmailWasChanged": "customer.email_was_changed",
    "CustomerDeactivated": "customer.deactivated",
    "CustomerBoughtReward": "campaign.customer_bought_campaign",
    "CouponWillExpire": "campaign.coupon_expiration",
}
"""Both names of the 18 webhooks, as receivers know them: changing one breaks them."""


def exact(text: str) -> Any:
    """JSON with its numbers to the last digit; keys that come twice are no JSON of ours."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    return json.loads(text, parse_float=Decimal, object_pairs_hook=once)


def golden(name: str, form: str) -> Path:
    return GOLDEN / f"{name}.{form}.json"


def bodies(name: str, *, legacy: bool) -> list[str]:
    """What an endpoint gets of one such event, request by request."""
    if name not in BY_HAND:
        return [delivered(name, legacy=legacy)]
    deliveries = fan_out(BY_HAND[name], [subscription(name, legacy=legacy)])
    return [envelope(delivery, REQUEST).decode() for delivery in deliveries]


@pytest.mark.parametrize("form", ["new", "legacy"])
@pytest.mark.parametrize("name", NAMES)
def test_a_webhook_is_delivered_exactly_as_its_golden_file_says(name: str, form: str) -> None:
    said = bodies(name, legacy=form == "legacy")[0]

    assert exact(said) == exact(golden(name, form).read_text())


@pytest.mark.parametrize("name", NAMES)
def test_the_second_legacy_webhook_comes_after_the_first_and_where_there_was_one(name: str) -> None:
    seconds = bodies(name, legacy=True)[1:]

    files_of_it = [golden(name, "second")] if CATALOGUE[name].second else []
    assert [exact(said) for said in seconds] == [exact(file.read_text()) for file in files_of_it]
    assert len(bodies(name, legacy=False)) == 1


@pytest.mark.parametrize("name", NAMES)
def test_nothing_about_a_webhook_is_forgotten(name: str) -> None:
    entry = CATALOGUE[name]
    files_of_it = {
        f"schemas/{name}.v1.avsc": files("schemas").joinpath(f"{name}.v1.avsc").is_file(),
        f"tests/golden/{name}.new.json": golden(name, "new").is_file(),
        f"tests/golden/{name}.legacy.json": golden(name, "legacy").is_file(),
        f"tests/golden/{name}.second.json": golden(name, "second").is_file() or entry.second is None,
    }

    assert [path for path, there in files_of_it.items() if not there] == []
    assert entry.description.endswith("."), f"{name}: its function's docstring is its documentation"
    assert entry.triggers, f"{name}: what sets it off is not said"
    assert all(sentence.endswith(".") for sentence in entry.triggers)
    assert entry.name == entry.event.__name__ == name
    assert entry.legacy_type == DOCUMENTED[name]
    assert entry.event in WEBHOOK_EVENTS.values


def test_every_golden_file_belongs_to_a_webhook() -> None:
    assert {path.name.split(".")[0] for path in GOLDEN.iterdir()} == set(NAMES)


def test_all_18_webhooks_have_bodies() -> None:
    assert set(CATALOGUE) == set(DOCUMENTED)


def test_the_18_webhooks_are_known_by_both_their_names() -> None:
    assert LEGACY_TYPES == DOCUMENTED


def test_every_fact_leads_to_a_webhook_unless_it_is_one_of_these() -> None:
    silent = {fact.__name__ for fact in get_args(Event) if not DERIVATION_RULES.get(fact)}

    assert silent == {
        "DocumentErased",
        "TransactionMatched",
        "TransactionUnmatched",
        "TransactionLabelsChanged",
        "UnitsHeld",
        "UnitsReleased",
    }

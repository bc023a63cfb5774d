"""Campaigns act by the day on which something happened, not by the day on which it was reported."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import pytest
from msgspec.structs import replace

from streams.domain.commands import ActivateMember, RecordCustomEvent, RecordTransaction, SignUpMember
from streams.domain.events import UnitsEarned, UnitsSpent
from streams.domain.rules import Campaign, Effect
from streams.domain.values import Buyer, Profile, TriggerType
from tests.domain.making import document, made
from tests.driver import Pipeline, instant
from tests.samples import ANNA, SETTINGS, add, purchase, register, uid

BEGAN, NOW = instant("2026-11-20"), instant("2026-11-27")
BEFORE = instant("2026-11-05")
HOUR = timedelta(hours=1)


def store(trigger: TriggerType, time: Literal["event", "processing"] = "event", **fields: Any) -> Pipeline:
    campaign = Campaign(
        campaign_id=uid(710),
        name="Black week",
        trigger=trigger,
        active_from=BEGAN,
        active_to=instant("2026-11-25"),
        effects=(Effect(type="deduct_unit" if "return" in trigger else "give_points", points=Decimal(5)),),
        **fields,
    )
    return Pipeline(replace(SETTINGS, campaigns=(campaign,), campaign_time=time), now=NOW)


@pytest.mark.parametrize(
    ("bought", "gets"),
    [
        (BEFORE, False),
        (BEGAN - HOUR, False),
        (BEGAN, True),
        (instant("2026-11-24"), True),
        (instant("2026-11-25"), False),
        (NOW, False),
    ],
)
@pytest.mark.parametrize("way", ["registered", "matched"])
def test_a_purchase_gets_what_was_on_offer_on_its_own_day(way: str, bought: datetime, gets: bool) -> None:
    run = store("transaction")
    sale = replace(purchase("20", "D1", at=NOW), purchased_at=bought)
    record = made(
        RecordTransaction,
        document("D1"),
        at=NOW,
        document_number="D1",
        purchased_at=bought,
        items=sale.items,
        buyer=Buyer(email="anna@example.com"),
    )

    run.when(register(at=NOW, email="anna@example.com"), sale if way == "registered" else record)

    assert bool(run.facts(UnitsEarned)) is gets


def test_a_return_is_judged_by_its_own_day() -> None:
    run = store("return_transaction")
    run.when(register(at=NOW), add("100", at=NOW))

    run.when(replace(purchase("20", "R1", at=NOW), document_type="return", purchased_at=BEFORE))

    assert run.facts(UnitsSpent) == []


@pytest.mark.parametrize(("happened", "gets"), [(BEFORE, False), (BEGAN + HOUR, True), (NOW, False)])
def test_a_custom_event_is_judged_by_its_own_day(happened: datetime, gets: bool) -> None:
    run = store("custom_event", event="review")
    run.when(register(at=NOW))

    run.when(made(RecordCustomEvent, at=NOW, event_type="review", event_id=uid(1), happened_at=happened))

    assert bool(run.facts(UnitsEarned)) is gets


@pytest.mark.parametrize(("joined", "gets"), [(BEFORE, False), (BEGAN + HOUR, True), (None, False)])
@pytest.mark.parametrize("way", ["opened", "signed up"])
def test_a_registration_is_judged_by_the_day_of_joining(
    way: str, joined: datetime | None, gets: bool
) -> None:
    run = store("internal_event", event="CustomerRegistered")

    if way == "opened":
        run.when(replace(register(at=NOW), registered_at=joined))
    else:
        run.when(made(SignUpMember, ANNA, NOW, profile=Profile(), registered_at=joined))
        run.when(made(ActivateMember, ANNA, NOW))

    assert bool(run.facts(UnitsEarned)) is gets


def test_a_store_may_go_by_the_day_of_processing_instead() -> None:
    run = store("transaction", "processing")
    run.when(register(at=NOW), replace(purchase("20", "D1", at=NOW), purchased_at=BEGAN))
    assert run.facts(UnitsEarned) == []

    run.at(instant("2026-11-24"))
    run.when(replace(purchase("20", "D2", at=run.now), purchased_at=BEFORE))

    assert len(run.facts(UnitsEarned)) == 1

"""Every kind of fact is told in a sentence that people can read."""

from dataclasses import dataclass
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from api.panel.fact_texts import describe_event, other_member_id
from streams.domain.events import CampaignApplied, Event, MemberSignedUp, TransactionRecorded, UnitsEarned
from streams.domain.values import EffectGiven
from tests.samples import ANNA, VOUCHER
from tests.scenarios.store import SETTINGS
from tests.strategies import plainest, values

KINDS = [kind for union in get_args(Event) for kind in (get_args(union) or (union,))]
SAID = {
    "MemberRegistered": "Became a member, registered on 2026-03-02.",
    "MemberSignedUp": "Signed up, and was sent a code to activate the account.",
    "MemberActivated": "The account was activated for the first time.",
    "MemberUpdated": "Personal data was changed, by a campaign.",
    "ContactChangeAsked": "Wants the e-mail address x, and was sent a code there.",
    "ActivationCodeIssued": "Was sent another code to activate the account.",
    "PasswordResetIssued": "Was sent a code to set a new password.",
    "MemberErased": "Everything personal was erased.",
    "DocumentErased": "Whoever bought it was erased: nothing personal is left.",
    "WrongCodeGiven": "A wrong code was given: nothing was changed.",
    "MemberDeactivated": "The account was closed.",
    "TierChanged": "Rose to tier x, by hand.",
    "TierFloorRemoved": "The tier that was assigned by hand no longer holds.",
    "TierRecalculated": "The tier period ended on 2026-03-02, and another began.",
    "TierExpiryAnnounced": "Was told, 7 days ahead, that tier x will become x on 2026-03-02.",
    "CustomEventRecorded": "The event “x” happened on 2026-03-02 with x x.",
    "CampaignApplied": "Campaign “x” acted on an event: set x (failed).",
    "TransactionRecorded": "Returned 1 item worth 12.5 on 2026-03-02, document x.",
    "TransactionMatched": "Found to be of a member, by hand: document x.",
    "TransactionUnmatched": "Not given to the member, for x x x: document x.",
    "TransactionAssigned": "A return worth 12.5, document x, was put to the account.",
    "TransactionLabelsChanged": "The labels of a transaction are now x: x.",
    "UnitsEarned": "Earned 12.5 points, pending until 2026-03-02, "
    "which expire on 2026-03-02, by a campaign (“x”).",
    "UnitsActivated": "12.5 points: pending until now, may be spent.",
    "UnitsSpent": "Spent 12.5 points, by a campaign (“x”).",
    "UnitsExpired": "12.5 points: earned on 2026-03-02, expired unspent.",
    "UnitsBlocked": "12.5 points: blocked (“x”).",
    "UnitsUnblocked": "12.5 points: no longer blocked.",
    "UnitsCancelled": "12.5 points: taken back, still pending.",
    "UnitsTakenBack": "A return took back 12.5 points, 12.5 points of them to be paid later, "
    "of which 12.5 points were not there (“x”).",
    "DebtPaid": "12.5 points: paid for what returns could not take.",
    "UnitsHeld": "12.5 points: set aside for another member (“x”).",
    "UnitsReleased": "12.5 points: not transferred, for x x x.",
    "UnitsSent": "Gave 12.5 points to another member (“x”).",
    "UnitsReceived": "Received 12.5 points from another member (“x”).",
    "UnitsExpiryAnnounced": "Was told, 7 days ahead, that 12.5 points will expire on 2026-03-02.",
    "RewardBought": "Got the reward “x” for 12.5 points, with coupon x, by a campaign.",
    "RedemptionStatusChanged": "A reward went from approved to approved (“x”).",
    "CouponUsed": "Used coupon x.",
    "CouponReinstated": "Coupon x may be used again.",
    "CouponExpired": "Coupon x expired.",
    "CouponExpiryAnnounced": "Was told, 7 days ahead, that coupon x will end on 2026-03-02.",
}


@dataclass(frozen=True)
class Settings:
    """Plain values name their wallet `x`; it is the default one here."""

    first = SETTINGS.wallets[0]
    store = replace(SETTINGS, wallets=(replace(first, code="x"),), campaigns=())


def test_every_kind_has_its_sentence() -> None:
    assert {kind.__name__ for kind in KINDS} == set(SAID)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_plain_fact_is_told_plainly(kind: type[Event]) -> None:
    fact = plainest(kind)

    assert describe_event(fact, Settings.store) == SAID[kind.__name__]  # type: ignore[arg-type]


@given(st.one_of([values(kind) for kind in KINDS]))
def test_any_fact_has_a_sentence(fact: Event) -> None:
    said = describe_event(fact, SETTINGS)

    assert said.endswith(".")
    assert said[0] != " "


def test_codes_that_were_sent_are_told_to_nobody() -> None:
    fact = plainest(MemberSignedUp)
    assert isinstance(fact, MemberSignedUp)

    assert "424242" not in describe_event(replace(fact, code="424242", code_number=424242), SETTINGS)


def test_a_purchase_and_what_a_campaign_gave_for_it() -> None:
    bought, acted = plainest(TransactionRecorded), plainest(CampaignApplied)
    assert isinstance(bought, TransactionRecorded)
    assert isinstance(acted, CampaignApplied)
    given = EffectGiven(type="give_points", wallet="default", points=Decimal(300))
    reward = EffectGiven(type="give_reward", reward_id=VOUCHER, status="skipped")

    purchase = replace(bought, document_type="sell", items=bought.items * 2)
    campaign = replace(acted, trigger=replace(acted.trigger, type="transaction"), effects=(given, reward))

    assert describe_event(purchase, SETTINGS) == "Bought 2 items worth 12.5 on 2026-03-02, document x."
    told = "Campaign “x” acted on a purchase: gave 300 points, gave the reward “Voucher” (skipped)."
    assert describe_event(campaign, SETTINGS) == told


def test_one_unit_is_one_and_units_of_another_wallet_name_it() -> None:
    fact = plainest(UnitsEarned)
    assert isinstance(fact, UnitsEarned)
    plain = replace(fact, comment=None, cause=None, locked_until=None, expires_at=None)

    one = replace(plain, units=fact.units.from_float(1.0), wallet="default")
    many = replace(plain, units=fact.units.from_float(1200.0), wallet="miles")

    assert describe_event(one, SETTINGS) == "Earned 1 point, which never expire."
    assert describe_event(many, SETTINGS) == "Earned 1,200 points in Miles, which never expire."


def test_the_other_side_of_a_transfer_is_linked() -> None:
    linked = {kind.__name__ for kind in KINDS if other_member_id(plainest(kind)) == ANNA}  # type: ignore[arg-type]

    assert linked == {"UnitsHeld", "UnitsSent", "UnitsReceived", "TransactionMatched", "TransactionUnmatched"}

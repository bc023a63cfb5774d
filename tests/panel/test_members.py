"""A member: found, and shown with all that it has and all that happened to it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from streams.delivery.records import Attempt, DeadLetter, Delivery, Outcome
from streams.domain.commands import (
    AddUnits,
    BlockUnits,
    DeactivateMember,
    EraseMember,
    RegisterMember,
    TransferUnits,
    UseCoupon,
)
from streams.domain.events import MemberRegistered, RewardBought
from streams.domain.ids import derived_id
from streams.domain.values import Address, Attribute, Profile
from tests.api.conftest import START, Door
from tests.domain.making import made
from tests.panel.conftest import Page, Visitor
from tests.samples import ANNA, BORIS, add, buy, purchase, register, spend, uid

PAGE = "/panel/DEFAULT/members"
ONE = f"{PAGE}/{ANNA}"
XSS = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>"


def opened(door: Door, profile: Profile, member: str = ANNA) -> None:
    door.programme.when(made(RegisterMember, member, at=START, profile=profile))


def sent_of(fact: MemberRegistered, event_id: str, subscription_id: str, delivery_id: str) -> Delivery:
    return Delivery(
        delivery_id=delivery_id,
        subscription_id=subscription_id,
        webhook_event_id=event_id,
        event_name="CustomerRegistered",
        store=fact.store,
        member_id=fact.member_id,
        created_at=fact.occurred_at,
        legacy=False,
        data="{}",
    )


def attempt_of(sent: Delivery, outcome: Outcome) -> Attempt:
    return Attempt(
        request_id=uid(90),
        delivery_id=sent.delivery_id,
        subscription_id=sent.subscription_id,
        webhook_event_id=sent.webhook_event_id,
        event_name=sent.event_name,
        store=sent.store,
        member_id=sent.member_id,
        number=1,
        started_at=START,
        duration_ms=3,
        outcome=outcome,
        status=200,
        error=None,
        next_attempt_at=None,
        response=None,
    )


def events(visitor: Visitor, **query: str) -> Page:
    return visitor.get(f"{ONE}/events", **query)


@pytest.mark.parametrize(
    "known_by",
    [ANNA, ANNA.upper(), "anna@example.com", "ANNA@EXAMPLE.COM", " +48 600 100 200 ", "C-17"],
)
def test_a_member_is_found_by_whatever_it_is_known_by(door: Door, visitor: Visitor, known_by: str) -> None:
    opened(door, Profile(email="anna@example.com", phone="+48600100200", loyalty_card_number="C-17"))

    page = visitor.get(PAGE, q=known_by)

    assert (page.status, page.location) == (303, ONE)


def test_several_who_share_a_number_are_listed(door: Door, visitor: Visitor) -> None:
    opened(door, Profile(phone="+48600100200"))
    opened(door, Profile(loyalty_card_number="+48600100200"), BORIS)

    page = visitor.get(PAGE, q="+48600100200")

    assert "2 members are known by that" in page.text
    assert page.links[ANNA] == ONE
    assert page.links[BORIS] == f"{PAGE}/{BORIS}"


@pytest.mark.parametrize("unknown", ["nobody@example.com", uid(404), XSS, "a" * 255, "email=x"])
def test_nobody_is_found_by_anything_else(visitor: Visitor, unknown: str) -> None:
    page = visitor.get(PAGE, q=unknown)

    assert page.status == 200
    assert f"No member of DEFAULT is known by {unknown}" in page.text
    assert page.fields["q"] == unknown
    assert "<script>alert" not in page.html


def test_the_search_says_what_to_give(visitor: Visitor) -> None:
    page = visitor.get(PAGE)

    assert "By e-mail address, phone number, loyalty card number or member id" in page.text
    assert "No member" not in page.text


def test_a_page_shows_who_it_is_and_what_is_in_the_wallets(door: Door, visitor: Visitor) -> None:
    opened(
        door, Profile(first_name="Anna", last_name="Nowak", address=Address(street="Długa", city="Kraków"))
    )
    door.programme.when(
        add("50.5", at=START), add("1000", at=START, expires_in_days=20), spend("300", at=START)
    )

    page = visitor.get(ONE)

    assert "Anna Nowak active" in page.text
    assert "Address Długa, Kraków" in page.text
    assert "Points 750.5 0 0 0 1,050.5 300 0 0 0" in page.rows()
    assert "Status: Bronze" in page.text or "Status: Silver" in page.text


def test_lots_are_shown_in_the_order_in_which_they_end_with_what_remains(
    door: Door, visitor: Visitor
) -> None:
    door.programme.when(register(at=START))
    for units, days in (("30", 40), ("20", 8), ("10", None)):
        door.programme.when(add(units, at=START, expires_in_days=days))
    door.programme.when(spend("5", at=START))
    door.programme.at(START + timedelta(days=1))

    page = visitor.get(ONE)

    ends = [row for row in page.rows() if " Points 2025-10-20 13:18:38 " in row]
    assert ends == [
        "2025-10-28 23:59:59 15 20 Points 2025-10-20 13:18:38 10 days before",
        "2025-11-29 23:59:59 30 30 Points 2025-10-20 13:18:38 not yet",
        "never 10 10 Points 2025-10-20 13:18:38 not yet",
    ]
    assert "10 units never expire." in page.text
    assert "2025-10-28: 15 Points" in page.html
    assert "2025-11-29 30" in page.rows()


def test_units_out_of_reach_are_told_apart(door: Door, visitor: Visitor) -> None:
    door.programme.when(register(at=START), add("100", at=START), register(BORIS, at=START))
    door.programme.when(
        made(AddUnits, at=START, units=Decimal(7), locked_for_days=3),
        made(BlockUnits, at=START, units=Decimal(40), comment=XSS),
    )

    page = visitor.get(ONE)

    assert "Points 60 7 40 0 100 0 0 0 0" in page.rows()
    assert "2025-10-23 23:59:59 7 Points never" in page.rows()
    assert f"Blocked 40 Points {XSS}" in page.rows()
    assert "<script>alert" not in page.html


def test_the_tier_says_how_far_the_next_one_is_and_when_it_is_recalculated(
    door: Door, visitor: Visitor
) -> None:
    door.programme.when(register(at=START), add("1200", at=START))

    page = visitor.get(ONE)

    assert "Status: Silver" in page.text
    assert "Units that can be spent: 1,200 of 5,000 for Gold" in page.text
    assert "Recalculated next on 2026-05-01 00:00:00" in page.text


def test_coupons_are_shown_with_their_status_and_their_end(door: Door, visitor: Visitor) -> None:
    door.programme.when(register(at=START), add("300", at=START), buy(at=START), buy(at=START))
    first, second = [fact.coupon.code for fact in door.programme.facts(RewardBought) if fact.coupon]
    door.programme.when(made(UseCoupon, at=START, code=first))

    page = visitor.get(ONE)
    door.programme.at(START + timedelta(days=60))
    later = visitor.get(ONE)

    ends = "2025-10-20 13:18:38 2025-11-19 23:59:59"
    assert f"Voucher {first} 5 used 2025-10-20 13:18:38 {ends}" in page.rows()
    assert f"Voucher {second} 5 can be used {ends}" in page.rows()
    assert f"Voucher {second} 5 expired {ends}" in later.rows()


def test_what_happened_is_told_newest_first_with_the_webhooks_it_caused(door: Door, visitor: Visitor) -> None:
    door.programme.when(register(at=START), purchase("30", "D-1", at=START))

    page = events(visitor)

    told = [
        "Campaign “Ten a dollar” acted on a purchase: gave 300 points. CampaignEffectWasApplied",
        "by a campaign (“Ten a dollar”). AvailablePointsAmountChanged 0 → 300 points",
        "A purchase worth 30, document D-1, was put to the account. TransactionAssignedToCustomer",
        "Became a member, registered on 2025-10-20. CustomerRegistered",
    ]
    places = [page.text.index(each) for each in told]
    assert places == sorted(places)
    assert "the newest first" in page.text
    assert page.links["All deliveries"] == f"/panel/DEFAULT/deliveries?member={ANNA}"


def test_deliveries_stand_beside_the_webhook_that_they_bring(door: Door, visitor: Visitor) -> None:
    door.programme.when(register(at=START), add("5", at=START))
    registered = door.programme.facts(MemberRegistered)[0]
    event_id = derived_id(registered.event_id, "CustomerRegistered")
    sent, lost = (sent_of(registered, event_id, uid(number), uid(number + 10)) for number in (71, 72))
    door.deliveries.hear(sent, lost, at=START)
    door.deliveries.hear(attempt_of(sent, "delivered"), at=START)
    letter = DeadLetter(delivery=lost, reason="gone", attempts=1, status=410, given_up_at=START)
    door.deliveries.hear(letter, at=START)

    page = events(visitor)

    assert "CustomerRegistered delivered dead" in page.text
    assert page.links["dead"] == f"/panel/DEFAULT/deliveries/{uid(82)}"
    assert "AvailablePointsAmountChanged 0 → 5 points no delivery known" in page.text


def test_while_the_journal_is_away_all_else_is_told(door: Door, visitor: Visitor) -> None:
    door.programme.when(register(at=START))
    door.deliveries.away = True

    page = events(visitor)

    assert "Became a member" in page.text
    assert "no delivery known" not in page.text
    assert "Deliveries are still being read, or Kafka is away" in page.text


def test_a_long_history_comes_in_pages(door: Door, visitor: Visitor) -> None:
    door.programme.when(register(at=START), *(add(str(n), at=START) for n in range(1, 41)))

    first, second = events(visitor), events(visitor, page="2")

    assert "Earned 40 points" in first.text
    assert "Became a member" not in first.text
    assert "Became a member" in second.text
    assert "Page 2 of 2" in second.text
    assert first.links["Next ›"] == f"{ONE}/events?page=2"


def test_a_past_that_would_take_too_much_reading_says_so(door: Door, visitor: Visitor) -> None:
    door.programme.when(register(at=START))
    door.programme.facts_allowed = 0

    page = events(visitor)

    assert page.status == 200
    assert "The past cannot be told: more facts than may be read." in page.text
    assert "LOYALTY_HISTORY_RECORDS" in page.text


def test_both_sides_of_a_transfer_link_to_each_other(door: Door, visitor: Visitor) -> None:
    door.programme.when(register(at=START), register(BORIS, at=START), add("50", at=START))
    door.programme.when(made(TransferUnits, at=START, receiver_id=BORIS, units=Decimal(20)))

    sent, received = events(visitor), visitor.get(f"{PAGE}/{BORIS}/events")

    assert "Gave 20 points to another member." in sent.text
    assert sent.links["That member"] == f"{PAGE}/{BORIS}"
    assert "Received 20 points from another member." in received.text
    assert received.links["That member"] == ONE


def test_many_lots_are_shown_a_page_at_a_time(door: Door, visitor: Visitor) -> None:
    door.programme.when(register(at=START), *(add("1", at=START, expires_in_days=10 + n) for n in range(60)))

    first, third = visitor.get(ONE), visitor.get(ONE, lots="3")

    assert "60 lots" in first.text
    assert len([row for row in first.rows() if row.endswith("not yet")]) == 25
    assert len([row for row in third.rows() if row.endswith("not yet")]) == 10
    assert "Page 3 of 3" in third.text
    assert first.links["Next ›"] == f"{ONE}?lots=2#lots"


def test_whatever_a_member_typed_is_shown_as_text(door: Door, visitor: Visitor) -> None:
    every = Address(street=XSS, address1=XSS, postal=XSS, city=XSS, province=XSS, country=XSS)
    opened(
        door,
        Profile(
            first_name=XSS,
            last_name=XSS,
            gender=XSS,
            loyalty_card_number="<b>17</b>",
            address=every,
            custom_attributes=(Attribute(key=XSS, value=XSS),),
        ),
    )
    door.programme.when(
        made(AddUnits, at=START, units=Decimal(9), comment=XSS), purchase("30", XSS, at=START)
    )

    page, told = visitor.get(ONE), events(visitor)

    for each in (page, told):
        assert each.status == 200
        assert "<script>alert" not in each.html
        assert "<img src=x" not in each.html
        assert "<b>" not in each.html
        assert XSS in each.text


def test_a_closed_account_is_shown_too(door: Door, visitor: Visitor) -> None:
    door.programme.when(register(at=START), made(DeactivateMember, at=START))

    assert "deactivated" in visitor.get(ONE).text
    assert "The account was closed. CustomerDeactivated" in events(visitor).text


@pytest.mark.parametrize("path", [uid(404), f"{uid(404)}/events", "x", "x/events", f"{ANNA}x"])
def test_there_is_no_page_of_nobody(visitor: Visitor, path: str) -> None:
    assert visitor.get(f"{PAGE}/{path}").status == 404


def test_a_member_of_another_store_has_no_page_here(door: Door, visitor: Visitor) -> None:
    door.programme.when(register(at=START))

    assert visitor.get(f"/panel/OTHER/members/{ANNA}").status == 404


def test_what_was_personal_of_a_member_is_told_until_it_is_erased(door: Door, visitor: Visitor) -> None:
    opened(door, Profile(first_name="Anna", email="anna@example.com"))
    door.programme.when(made(AddUnits, at=START, units=Decimal(9), comment="for her birthday"))
    before = events(visitor)

    door.programme.when(made(DeactivateMember, at=START), made(EraseMember, at=START))

    page, after = visitor.get(ONE), events(visitor)
    assert "for her birthday" in before.text
    assert "for her birthday" not in after.text
    assert "Earned 9 points" in after.text
    assert "Everything personal was erased." in after.text
    assert "This member was erased at" in page.text
    assert "anna@example.com" not in page.text

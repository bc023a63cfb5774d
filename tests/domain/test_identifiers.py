"""Phones, e-mails and cards at the topic's door: junk names nobody, and each has one form however typed."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.domain import identifiers
from streams.domain.commands import (
    AssignTransaction,
    ChangeOwnPhone,
    ConfirmChange,
    RecordTransaction,
    RegisterMember,
    UpdateMember,
)
from streams.domain.events import ContactChangeAsked, MemberRegistered, TransactionAssigned, UnitsEarned
from streams.domain.identifiers import Rules, Unreadable
from streams.domain.identifiers.recheck import IdentifierCheck
from streams.domain.state import Known, Member
from streams.domain.store import StoreSettings
from streams.domain.values import Buyer, IdentifierKind, Item, Profile
from streams.stages.commands import owner_of
from streams.stages.identity import identifier_key
from streams.topics import COMMANDS
from tests.domain.apart import Apart
from tests.domain.making import document, made
from tests.driver import Pipeline, all_of
from tests.identifiers import JUNK, POLISH, REAL, RULES, SAME
from tests.samples import ANNA, BORIS, NOON, SETTINGS, STORE, add

FIELD = identifiers.FIELDS
H = TypeVar("H", Profile, Buyer, AssignTransaction)
KINDS: list[IdentifierKind] = ["phone", "email", "loyaltyCardNumber"]


def with_one(holder: H, kind: IdentifierKind, text: str) -> H:
    return replace(holder, **{FIELD[kind]: text})


def registration(kind: IdentifierKind, text: str, member: str = ANNA) -> RegisterMember:
    return made(RegisterMember, member, profile=with_one(Profile(), kind, text))


def purchase_of(kind: IdentifierKind, text: str, number: str = "R-1") -> RecordTransaction:
    item = Item(sku="CD", name="Compact disc", quantity=1, gross_value=Decimal(10))
    buyer = with_one(Buyer(), kind, text)
    return made(
        RecordTransaction,
        document(number),
        document_number=number,
        purchased_at=NOON,
        items=(item,),
        buyer=buyer,
    )


def member_of(run: Pipeline, member: str = ANNA) -> Member:
    found = run.tables.of(owner_of(STORE, member)).get(Member)
    assert found is not None
    return found


def with_kept(kind: IdentifierKind, value: str, settings: StoreSettings = POLISH) -> Pipeline:
    """Anna was registered before there were rules: her identifier is kept as it came."""
    run = Pipeline(settings, now=NOON)
    run.when(made(RegisterMember, profile=Profile()))
    state = run.tables.of(owner_of(STORE, ANNA))
    state.apply(replace(member_of(run), profile=with_one(Profile(), kind, value)))
    run.tables.commit(list(run.tables.changelog()), {})
    key = identifiers.identifier(kind, value)
    assert key is not None
    run.identifiers.of(identifier_key(STORE, key)).apply(Known(member_id=ANNA))
    run.identifiers.commit(list(run.identifiers.changelog()), {})
    return run


@pytest.mark.parametrize(("kind", "text"), JUNK, ids=map(ascii, JUNK))
def test_junk_is_refused_with_its_field_and_value_whoever_sends_it(kind: IdentifierKind, text: str) -> None:
    run = Pipeline(POLISH, now=NOON)

    run.when(registration(kind, text), purchase_of(kind, text))

    mine, strangers = run.rejections()
    assert mine.startswith(f"profile.{FIELD[kind]} {text} ")
    assert strangers.startswith(f"buyer.{FIELD[kind]} {text} ")
    assert run.facts(MemberRegistered) == []
    assert run.poison() == []


@pytest.mark.parametrize(("kind", "text"), JUNK, ids=map(ascii, JUNK))
def test_a_stranger_s_junk_is_credited_to_nobody_though_it_was_kept_once(
    kind: IdentifierKind, text: str
) -> None:
    if identifiers.identifier(kind, text) is None:
        pytest.skip("it was nothing before, too")
    run = with_kept(kind, text)

    match = made(AssignTransaction, document("R-1"), document_number="R-1", to_member=None)
    run.when(purchase_of(kind, text), with_one(match, kind, text))

    assert run.facts(TransactionAssigned) == []


@pytest.mark.parametrize(("kind", "text", "key"), SAME, ids=map(ascii, SAME))
def test_however_it_is_typed_it_is_the_same(kind: IdentifierKind, text: str, key: str) -> None:
    run = Pipeline(POLISH, now=NOON)

    run.when(registration(kind, text), purchase_of(kind, key, "R-1"), purchase_of(kind, text, "R-2"))
    run.when(registration(kind, key, BORIS))

    assert all_of(run.facts(TransactionAssigned), "document_number") == ["R-1", "R-2"]
    assert [r.split(" is ")[1] for r in run.rejections()] == ["another member's already"]
    known = [owner for _, owner, _, _ in run.identifiers.entries() if "/document/" not in owner]
    assert known == [f"{STORE}/{kind}/{key}"]


@pytest.mark.parametrize(("kind", "text"), REAL, ids=map(ascii, REAL))
def test_a_real_one_is_never_refused(kind: IdentifierKind, text: str) -> None:
    run = Pipeline(POLISH, now=NOON)

    run.when(registration(kind, text), purchase_of(kind, text))

    assert run.rejections() == []
    assert len(run.facts(TransactionAssigned)) == 1


def test_a_phone_is_kept_in_e_164_beside_what_was_typed() -> None:
    run = Pipeline(POLISH, now=NOON)

    run.when(registration("phone", "600 100 203"))
    run.when(made(UpdateMember, profile=Profile(phone="0048 600 100 203", first_name="Anna")))

    assert (member_of(run).profile.phone, member_of(run).phone_as_typed) == ("+48600100203", "600 100 203")
    run.when(made(UpdateMember, profile=Profile(phone="601 100 203")))
    assert (member_of(run).profile.phone, member_of(run).phone_as_typed) == ("+48601100203", "601 100 203")


def test_without_a_region_a_number_needs_its_country() -> None:
    run = Pipeline(SETTINGS, now=NOON)

    run.when(registration("phone", "600100203"), registration("phone", "0048600100203"))
    run.when(registration("phone", "+48 600 100 203"))

    reason = "must begin with + and the country's code, such as +48600100200: the store has no phone_region"
    assert run.rejections() == [
        f"profile.phone 600100203 {reason}",
        f"profile.phone 0048600100203 {reason}",
    ]
    assert member_of(run).profile.phone == "+48600100203"


def test_without_a_region_too_two_numbers_are_looked_for_by_neither() -> None:
    run = Pipeline(SETTINGS, now=NOON)

    run.when(purchase_of("phone", "600100200 600100201"), purchase_of("phone", "600100200", "R-2"))

    (refused,) = run.rejections()
    assert refused.startswith("buyer.phone 600100200 600100201 must be one number")


def test_a_store_s_pattern_says_what_its_cards_are() -> None:
    run = Pipeline(replace(SETTINGS, card_pattern="26[0-9]{11}"), now=NOON)

    run.when(registration("loyaltyCardNumber", "260000000001"), registration("loyaltyCardNumber", "N/A"))
    run.when(registration("loyaltyCardNumber", "2600000000017"))

    assert run.rejections() == [
        "profile.loyalty_card_number 260000000001 must match the store's card_pattern 26[0-9]{11}",
        "profile.loyalty_card_number N/A is a placeholder, which names nobody: leave it empty",
    ]
    assert member_of(run).profile.loyalty_card_number == "2600000000017"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"phone_region": "pl"}, "phone_region 'pl' is no country's code"),
        ({"phone_region": "Poland"}, "phone_region 'Poland' is no country's code"),
        ({"card_pattern": "("}, "card_pattern '(' must be made of characters and classes"),
        ({"card_pattern": "(a+)+$"}, "must be made of characters and classes"),
        ({"card_pattern": "[0-9]+[0-9]+[0-9]+[0-9]+x"}, "could take very long to match"),
        ({"card_pattern": "[z-a]"}, "is no regular expression"),
        ({"card_pattern": "a**"}, "must be made of"),
        ({"card_pattern": r"\1"}, "must be made of"),
    ],
)
def test_settings_that_could_read_nothing_are_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=r"^(phone_region|card_pattern) ") as refused:
        replace(SETTINGS, **fields).check()

    assert reason in str(refused.value)


def test_a_change_of_one_s_own_number_holds_in_its_one_form() -> None:
    run = Pipeline(POLISH, now=NOON)
    run.when(registration("phone", "600100203"))

    run.when(made(ChangeOwnPhone, phone="N/A"), made(ChangeOwnPhone, phone="600-100-203"))
    run.when(made(ChangeOwnPhone, phone="601 100 203"))
    (asked,) = run.facts(ContactChangeAsked)
    run.when(made(ConfirmChange, code=asked.code))

    assert asked.value == "+48601100203"
    assert member_of(run).profile.phone == "+48601100203"
    assert run.rejections() == [
        "phone N/A is a placeholder, which names nobody: leave it empty",
        "phone 600-100-203 is the member's already",
    ]


@pytest.mark.parametrize(
    ("kind", "kept", "typed"),
    [
        ("phone", "600100203", "600 100 203"),
        ("phone", "+48600100203", "600100203"),
        ("email", "zosia@xn--w-uga1v8h.pl", "zosia@żółw.pl"),
        ("loyaltyCardNumber", "C-1", "C-1"),
    ],
)
def test_what_was_kept_before_there_were_rules_is_found_and_is_nobody_else_s(
    kind: IdentifierKind, kept: str, typed: str
) -> None:
    run = with_kept(kind, kept)

    run.when(purchase_of(kind, typed), registration(kind, typed, BORIS))

    assert all_of(run.facts(TransactionAssigned), "member_id") == [ANNA]
    assert [r.split(" is ")[1] for r in run.rejections()] == ["another member's already"]


def test_a_member_whose_junk_was_kept_can_change_all_the_rest() -> None:
    run = with_kept("phone", "N/A")

    run.when(made(UpdateMember, profile=Profile(phone="N/A", first_name="Anna")), add("5"))

    assert run.rejections() == []
    assert member_of(run).profile == Profile(phone="N/A", first_name="Anna")


def test_who_changes_to_the_new_form_gives_the_former_one_up() -> None:
    run = with_kept("phone", "600100203")

    run.when(made(UpdateMember, profile=Profile(phone="600 100 203")))

    assert run.rejections() == []
    assert [owner for _, owner, _, _ in run.identifiers.entries()] == [f"{STORE}/phone/+48600100203"]


def test_where_the_rules_change_while_a_claim_waits_the_claim_is_made_anew() -> None:
    run = Apart(POLISH, now=NOON)
    run.put(registration("phone", "601100203"))
    run.step(COMMANDS.name)
    run.settings[STORE] = replace(POLISH, phone_region="CZ")
    run.drain()

    assert run.known() == {f"{STORE}/phone/+420601100203": ANNA}


def test_the_check_lists_what_would_change_and_whom_it_clashes_with_and_changes_nothing() -> None:
    run = with_kept("phone", "600100203")
    run.when(registration("email", "boris@example.com", BORIS))
    state = run.tables.of(owner_of(STORE, BORIS))
    boris = replace(member_of(run, BORIS), profile=Profile(phone="+48600100203", email="n/a@n/a"))
    state.apply(boris)
    check = IdentifierCheck(RULES)

    for member in (ANNA, BORIS):
        check.look(run.tables.of(owner_of(STORE, member)), member, NOON)

    clash, junk = check.found
    assert (clash.member_id, clash.value, clash.form, clash.shared_with) == (
        ANNA,
        "600100203",
        "+48600100203",
        BORIS,
    )
    assert (junk.member_id, junk.field, junk.form) == (BORIS, "email", None)
    assert junk.reason.startswith("is no e-mail address")
    assert member_of(run, BORIS) == boris


ANY_TEXT = st.one_of(
    st.text(max_size=300),
    st.text(st.sampled_from("+0123456789 ()-./@aE#='\"\u200b\u202a\u2011\u0660.com"), max_size=40),
    st.from_regex(r"[a-zA-Z0-9.\u00e4\u03a3\u200d-]{1,9}@[a-z0-9.\u00df\u0130\u3002-]{1,9}", fullmatch=True),
)


@given(st.sampled_from(KINDS), ANY_TEXT, st.sampled_from([None, "PL", "US", "DE", "IT"]))
def test_any_text_is_read_or_refused_and_what_is_read_is_read_as_itself(
    kind: IdentifierKind, text: str, region: str | None
) -> None:
    rules = Rules(region, None)
    try:
        kept = identifiers.read(kind, text, rules)
        keys = identifiers.sought(kind, text, rules)
    except Unreadable:
        return

    assert identifiers.read(kind, kept, rules) == kept
    assert identifiers.identifier(kind, kept) == (keys[0] if keys else None)


def test_a_transfer_that_was_carried_out_is_never_forgotten_and_a_refused_one_is() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    given_once = replace(add("5"), once=True)
    run.when(made(RegisterMember, profile=Profile()), given_once)

    run.at(NOON + timedelta(days=400))
    run.when(given_once, replace(given_once, member_id=BORIS))
    run.at(NOON + timedelta(days=800))
    run.when(given_once)

    units = [fact.units for fact in run.facts(UnitsEarned)]
    assert units == [Decimal(5)]

"""An erased member: nothing tells who it was, and the books stay as they were."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args, get_type_hints
from zlib import crc32

import pytest
from msgspec.structs import replace

from streams.domain.commands import (
    ActivateMember,
    AddUnits,
    BlockUnits,
    ChangeOwnEmail,
    ChangeRedemptionStatus,
    Command,
    DeactivateMember,
    EraseMember,
    RecordCustomEvent,
    RecordTransaction,
    RegisterMember,
    RegisterTransaction,
    RequestPasswordReset,
    SignUpMember,
    SpendUnits,
    TransferUnits,
    UpdateMember,
)
from streams.domain.event_context import EventContext
from streams.domain.events import (
    DocumentErased,
    Event,
    MemberErased,
    MemberRegistered,
    UnitsEarned,
)
from streams.domain.pii import PERSONAL_FIELDS, strip_personal
from streams.domain.state import Account, DataKey, Document, Member
from streams.domain.values import Address, Attribute, Buyer, Company, Item, Profile
from streams.migration.compare import COMPARED_KINDS, Comparison
from streams.stages.commands import owner_of
from streams.stages.member_replay import replay_member
from streams.stages.rebuild import data_key_lookup, rebuild
from streams.tables.store import MemoryStore
from streams.tables.tables import Tables, table_families
from streams.topics import COMMANDS, ERASURES, EVENTS
from streams.webhooks.events import CustomerDeactivated
from tests.domain.making import document, made
from tests.driver import Pipeline
from tests.samples import ANNA, BORIS, NOON, SETTINGS, STORE, add, buy, register, spend, uid

MARK = "XyZZy"


def profile(mark: str = MARK) -> Profile:
    """Every field of which is personal holds the mark."""
    return Profile(
        first_name=mark,
        last_name=mark,
        email=f"{mark}@example.com",
        phone=phone(mark),
        loyalty_card_number=mark,
        gender=mark,
        birth_date=datetime(1970, 1, 1, tzinfo=UTC),
        referral_token=mark,
        address=address(mark),
        company=Company(name=mark, nip=mark),
        custom_attributes=(Attribute(key=mark, value=mark),),
    )


def phone(mark: str) -> str:
    """Another for each mark, and typed with blanks: it is kept in that form too."""
    return f"+48 6 {crc32(mark.encode()) % 10**8:08}"


def address(mark: str) -> Address:
    parts = ("street", "address1", "address2", "postal", "city", "province", "country")
    return Address(**dict.fromkeys(parts, mark))


PROFILE = profile()


def bought(
    kind: type[RegisterTransaction | RecordTransaction], member: str, number: str, mark: str = MARK
) -> RegisterTransaction | RecordTransaction:
    labels = (Attribute(key=mark, value=mark),)
    disc = Item(sku="CD", name="Compact disc", quantity=1, gross_value=Decimal(30), labels=labels)
    buyer = Buyer(name=mark, nip=mark, email=f"{mark}@example.com", address=address(mark))
    return made(kind, member, document_number=number, purchased_at=NOON, items=(disc,), buyer=buyer)


def life(member: str = ANNA, mark: str = MARK, to: str = BORIS) -> list[Any]:
    """All that leaves something personal, in the order in which it is accepted."""
    number, paid = f"T/{member[-1]}", buy(member)
    review: dict[str, Any] = {"event_type": "review", "event_id": uid(5), "happened_at": NOON}
    issued = EventContext(cause_id=paid.command_id, store=STORE, member_id=member, now=NOON).id(
        "issued_reward", 0
    )
    return [
        made(SignUpMember, member, profile=profile(mark)),
        made(ActivateMember, member),
        made(UpdateMember, member, profile=replace(profile(mark), gender=f"{mark}2")),
        made(ChangeOwnEmail, member, email=f"{mark}2@example.com"),
        made(RequestPasswordReset, member),
        bought(RegisterTransaction, member, f"A/{member[-1]}", mark),
        bought(RecordTransaction, document(number), number, mark),
        made(RecordCustomEvent, member, **review, attributes=(Attribute(key=mark, value=mark),)),
        *(made(k, member, units=Decimal(10), comment=mark) for k in (AddUnits, SpendUnits, BlockUnits)),
        made(TransferUnits, member, receiver_id=to, units=Decimal(5), comment=mark),
        paid,
        made(ChangeRedemptionStatus, member, issued_reward_id=issued, status="approved", comment=mark),
    ]


DOCUMENT = document("T/1")


def lived() -> Pipeline:
    """Anna has done all of it; what was refused is remembered too."""
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(BORIS), *life())
    assert run.rejections() == []
    run.when(made(ChangeOwnEmail, email=f"{MARK}@example.com"))
    return run


def marked(tables: Tables) -> list[str]:
    """Whose entries tell of Anna's name or number."""
    told = [MARK.lower().encode(), phone(MARK)[-8:].encode()]
    return [
        owner for _, owner, key, raw in tables.entries() if any(mark in (key + raw).lower() for mark in told)
    ]


def differences(run: Pipeline) -> list[str]:
    tables, found = Tables(MemoryStore(table_families(COMPARED_KINDS)), COMPARED_KINDS), Comparison()
    rebuild(tables, run.log[EVENTS.name], run.settings.get, data_key_lookup(run.tables))
    tables.commit(list(tables.changelog()), {})
    found.compare(tables, run.tables, frozenset())
    return found.differences


def test_no_entry_of_an_erased_member_and_its_documents_tells_who_it_was() -> None:
    run = lived()
    assert {owner_of(STORE, ANNA), owner_of(STORE, DOCUMENT)} == set(marked(run.tables))

    run.when(made(EraseMember))

    assert marked(run.tables) == marked(run.identifiers) == []
    member = run.tables.of(owner_of(STORE, ANNA)).get(Member)
    assert member is not None
    assert (member.profile, member.status, member.erased_at) == (Profile(), "deactivated", NOON)
    left = run.tables.of(owner_of(STORE, DOCUMENT)).get(Document)
    assert left is not None
    assert (left.buyer, left.to_member, left.gross_value) == (None, ANNA, Decimal(30))


def test_facts_never_show_what_is_personal_and_after_erasure_nobody_can_open_it() -> None:
    run = lived()
    sealed = [record for record in run.log[EVENTS.name] if "personal" in record.headers]
    assert len(sealed) == 15
    assert not any(MARK.encode() in (record.value or b"") for record in run.log[EVENTS.name])
    # But for a code, and the comment of a purchase.
    assert sum(MARK.encode() in (run.opened(record) or b"") for record in sealed) == 13

    run.when(made(EraseMember))

    hers = [record for record in sealed if record.key != owner_of(STORE, BORIS).encode()]
    assert all(run.opened(record) == record.value for record in hers)
    assert run.tables.of(owner_of(STORE, ANNA)).get(DataKey) is None
    assert [record.key for record in run.log[ERASURES.name]] == [
        owner_of(STORE, ANNA).encode(),
        owner_of(STORE, DOCUMENT).encode(),
    ]


def test_balances_of_today_and_of_the_past_are_what_they_were() -> None:
    run = lived()
    before = run.tables.of(owner_of(STORE, ANNA)).get(Account, b"default")

    run.now = NOON + timedelta(days=1)
    run.when(made(EraseMember))

    assert run.tables.of(owner_of(STORE, ANNA)).get(Account, b"default") == before
    past = replay_member(owner_of(STORE, ANNA), run.log[EVENTS.name], SETTINGS, NOON)
    assert past.get(Account, b"default") == before


def test_the_state_follows_from_the_facts_before_erasure_and_after() -> None:
    run = lived()
    assert differences(run) == []

    run.when(made(EraseMember))

    assert differences(run) == []


def test_erasing_closes_the_account_and_says_so_once() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(made(RegisterMember, profile=PROFILE))

    run.when(made(EraseMember), made(EraseMember))

    (told,) = run.webhook_events(CustomerDeactivated)
    assert told.customer.email == f"{MARK}@example.com"
    assert len(run.facts(MemberErased)) == 1
    assert run.rejections() == []


def test_who_was_closed_before_is_erased_without_a_word() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(), made(DeactivateMember))

    run.when(made(EraseMember))

    assert len(run.webhook_events(CustomerDeactivated)) == 1
    assert len(run.facts(MemberErased)) == 1


@pytest.mark.parametrize(
    "command",
    [
        made(RegisterMember, profile=PROFILE),
        made(UpdateMember, profile=PROFILE),
        made(ActivateMember),
        made(DeactivateMember),
        add("5"),
        spend("5"),
        bought(RegisterTransaction, ANNA, "A/2"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_nothing_more_can_be_asked_of_an_erased_member(command: Command) -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(), made(EraseMember))
    told = len(run.log[EVENTS.name])

    run.when(command)

    assert run.rejections() == [f"member_id {ANNA} was erased on 2026-03-02, for good"]
    assert len(run.log[EVENTS.name]) == told
    assert marked(run.tables) == []


def test_who_is_not_registered_cannot_be_erased() -> None:
    run = Pipeline(SETTINGS, now=NOON)

    run.when(made(EraseMember))

    assert run.rejections() == [f"member_id {ANNA} is not registered in store 'DEFAULT'"]


def test_what_an_erased_member_was_known_by_is_free_for_others() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(made(RegisterMember, profile=PROFILE), made(EraseMember))

    run.when(made(RegisterMember, BORIS, profile=PROFILE))

    assert run.rejections() == []
    assert len(run.facts(MemberRegistered)) == 2


def test_units_given_to_an_erased_member_stay_with_the_giver() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(), register(BORIS), add("40", BORIS), made(EraseMember))

    run.when(made(TransferUnits, BORIS, receiver_id=ANNA, units=Decimal(15)))

    assert run.rejections() == [f"member_id {ANNA} was erased on 2026-03-02, for good"]
    account = run.tables.of(owner_of(STORE, BORIS)).get(Account, b"default")
    assert account is not None
    assert (account.available, account.held) == (Decimal(40), Decimal(0))


def test_erasure_told_again_changes_nothing() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(made(RegisterMember, profile=PROFILE), bought(RecordTransaction, DOCUMENT, "T/1"))
    run.when(made(EraseMember))
    (message,) = [r for r in run.log[COMMANDS.name] if r.kind == "EraseDocument"]

    run.play(message)

    assert len(run.facts(DocumentErased)) == 1
    assert run.poison() == []


KEPT = {
    "comment": ("UnitsEarned", "UnitsSpent", "UnitsTakenBack"),
    "custom_event_type": ("CustomEventRecorded",),
    "level_name": ("TierChanged", "TierExpiryAnnounced"),
    "future_level_name": ("TierExpiryAnnounced",),
    "campaign_name": ("CampaignApplied",),
    "reward_name": ("RewardBought",),
    "reward_type": ("RewardBought",),
    "code": ("CouponUsed", "CouponReinstated", "CouponExpired"),
    "document_number": (
        "TransactionRecorded",
        "TransactionMatched",
        "TransactionUnmatched",
        "TransactionAssigned",
    ),
    "linked_document_number": ("TransactionRecorded", "TransactionAssigned"),
    "purchase_place": ("TransactionRecorded",),
    "purchase": ("UnitsEarned", "UnitsTakenBack"),
    "field": ("TransactionUnmatched", "UnitsReleased"),
    "value": ("TransactionUnmatched", "UnitsReleased"),
    "reason": ("TransactionUnmatched", "UnitsReleased"),
    "purposes": ("WrongCodeGiven",),
}
"""Texts in facts that stay: the programme's own words, and what the books are kept by."""
IDS = {"store", "wallet", "sent_as", "to_member", "kind"}


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
def test_each_text_of_a_fact_is_personal_or_known_not_to_be(kind: type[Event]) -> None:
    texts = {
        name
        for name, hint in get_type_hints(kind).items()
        if hint is str or str in get_args(hint) or Attribute in get_args(hint) or hint in (Profile, Buyer)
    }

    free = {name for name in texts if not name.endswith("_id") and name not in IDS}

    assert {
        n for n in free - PERSONAL_FIELDS.get(kind, {}).keys() if kind.__name__ not in KEPT.get(n, ())
    } == set()


def test_a_fact_without_anything_personal_is_written_as_it_is() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(), add("5"))

    (earned,) = run.facts(UnitsEarned)

    assert strip_personal(earned) is earned
    assert all("personal" not in record.headers for record in run.log[EVENTS.name])
    assert run.tables.of(owner_of(STORE, ANNA)).get(DataKey) is None

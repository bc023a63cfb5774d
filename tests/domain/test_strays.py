"""Messages that fit nothing: somebody's mistake ends no process, moves no units and is put aside with its
reason; one that comes again changes nothing."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from streams.codec.avro import HEADER, decode, encode
from streams.domain.commands import (
    AssignTransaction,
    BlockUnits,
    RecordTransaction,
    RegisterMember,
    TransferUnits,
)
from streams.domain.events import (
    TransactionAssigned,
    TransactionUnmatched,
    UnitsBlocked,
    UnitsReceived,
    UnitsReleased,
)
from streams.domain.messages import (
    AcceptUnits,
    AddressedCommand,
    AnswerClaim,
    AnswerSearch,
    ClaimIdentifiers,
    FindMember,
    IdentityRequest,
    Message,
    OfferUnits,
    RefuseUnits,
    ReturnTransaction,
    TakeTransaction,
)
from streams.domain.state import Account
from streams.domain.values import Draw, Identifier, Item, Profile
from streams.rejections import MAX_COMMAND_BYTES
from streams.stages.commands import owner_of
from streams.stages.context import Record
from streams.topics import COMMANDS, EVENTS, IDENTITY_REQUESTS
from tests.domain.apart import Apart
from tests.domain.making import document, made
from tests.driver import Pipeline, all_of
from tests.samples import ANNA, BORIS, NOON, SETTINGS, STORE, add, register, uid

DRAW = Draw(lot_id=uid(31), units=Decimal(5), earned_at=NOON, expires_at=None)
REFUSAL: dict[str, Any] = {"field": "x", "value": "y", "reason": "z"}
ITEM = Item(sku="CD", name="Compact disc", quantity=1, gross_value=Decimal("9.90"))
MAIL = Identifier(kind="email", value="anna@example.com")


def ready() -> Pipeline:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(), register(BORIS), add("100"))
    return run


def entries(run: Pipeline) -> list[tuple[str, str, bytes, bytes]]:
    return list(run.tables.entries())


def record_of(command_id: str, items: tuple[Item, ...] = (ITEM,)) -> RecordTransaction:
    return made(
        RecordTransaction,
        document("D-1"),
        command_id=command_id,
        document_number="D-1",
        purchased_at=NOON,
        items=items,
    )


@pytest.mark.parametrize(
    "stray",
    [
        made(AnswerClaim),
        made(AnswerClaim, uid(77)),
        made(AcceptUnits, transfer_id=uid(9)),
        made(AcceptUnits, uid(77), transfer_id=uid(9)),
        made(RefuseUnits, transfer_id=uid(9), **REFUSAL),
        made(AnswerSearch, document("unknown"), by_hand=True),
        made(AnswerSearch, document("unknown"), by_hand=False, found=ANNA),
        made(
            ReturnTransaction,
            document("unknown"),
            by_hand=True,
            document_number="unknown",
            to_member=ANNA,
            **REFUSAL,
        ),
    ],
    ids=lambda stray: type(stray).__name__,
)
def test_an_answer_that_nobody_waits_for_is_put_aside_and_changes_nothing(stray: Message) -> None:
    run = ready()
    before, told = entries(run), len(run.log[EVENTS.name])

    run.when(stray)

    assert len(run.poison()) == 1
    assert entries(run) == before
    assert len(run.log[EVENTS.name]) == told
    assert run.rejections() == []


@pytest.mark.parametrize("answer", [AcceptUnits, RefuseUnits])
def test_blocked_units_are_moved_by_no_answer(answer: type[Message]) -> None:
    run = ready()
    run.when(made(BlockUnits, units=Decimal(40)))
    (blocked,) = run.facts(UnitsBlocked)
    before = entries(run)
    fields = {"transfer_id": blocked.transfer_id} | (REFUSAL if answer is RefuseUnits else {})

    run.when(made(answer, **fields))

    assert run.poison() == [f"answers transfer {blocked.transfer_id}, which is not under way"]
    assert entries(run) == before


@pytest.mark.parametrize(
    "draws", [(), (replace(DRAW, units=Decimal(0)),), (DRAW, replace(DRAW, units=Decimal(-1)))]
)
def test_an_offer_of_nothing_or_less_is_not_taken(draws: tuple[Draw, ...]) -> None:
    run = ready()

    run.when(
        made(
            OfferUnits,
            BORIS,
            transfer_id=uid(9),
            sender_id=ANNA,
            wallet="default",
            draws=draws,
            comment=None,
        )
    )

    assert run.facts(UnitsReceived) == []
    # The refusal goes to a sender who is not waiting for one.
    assert run.poison() == [f"answers transfer {uid(9)}, which is not under way"]


def test_a_document_returned_by_a_member_who_has_not_got_it_stays_where_it_is() -> None:
    run = ready()
    run.when(
        record_of(uid(40)), made(AssignTransaction, document("D-1"), document_number="D-1", to_member=ANNA)
    )

    run.when(
        made(
            ReturnTransaction,
            document("D-1"),
            by_hand=True,
            document_number="D-1",
            to_member=BORIS,
            **REFUSAL,
        )
    )

    assert run.facts(TransactionUnmatched) == []
    assert run.poison() == [f"returns document {document('D-1')}, which is not with member {BORIS}"]


def again(run: Pipeline, kind: type[Message]) -> None:
    """What the stages wrote of that kind is in the log once more, each as it was."""
    for each in [r for r in run.log[COMMANDS.name] if r.kind == kind.__name__]:
        run.arrive(each)


@pytest.mark.parametrize("kind", [OfferUnits, AcceptUnits])
def test_units_sent_arrive_once_though_a_message_comes_twice(kind: type[Message]) -> None:
    run = ready()
    run.when(made(TransferUnits, receiver_id=BORIS, units=Decimal(30)))
    before, told = entries(run), len(run.log[EVENTS.name])

    again(run, kind)

    assert entries(run) == before
    assert len(run.log[EVENTS.name]) == told
    assert run.rejections() == []


def test_units_refused_once_are_not_taken_when_the_offer_comes_again() -> None:
    run = ready()
    run.when(made(TransferUnits, receiver_id=uid(3), units=Decimal(30)), register(uid(3)))

    again(run, OfferUnits)
    again(run, RefuseUnits)

    assert run.facts(UnitsReceived) == []
    account = run.tables.of(owner_of(STORE, ANNA)).get(Account, b"default")
    assert account is not None
    assert (account.available, account.held) == (Decimal(100), Decimal(0))
    assert run.rejections() == [f"receiver_id {uid(3)} is no active member of store 'DEFAULT'"]


@pytest.mark.parametrize("kind", [TakeTransaction, AnswerSearch])
def test_a_transaction_stays_matched_though_a_message_comes_twice(kind: type[Message]) -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(email="anna@example.com"), record_of(uid(40)))
    run.when(made(AssignTransaction, document("D-1"), document_number="D-1", email="Anna@example.com"))
    before = entries(run)

    again(run, kind)

    assert all_of(run.facts(TransactionAssigned), "member_id") == [ANNA]
    assert run.facts(TransactionUnmatched) == []
    assert run.rejections() == []
    assert entries(run) == before


def test_a_transaction_as_large_as_may_be_is_matched_all_the_same() -> None:
    """The message to its member is larger than the command was."""
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register())
    long = replace(ITEM, name="x" * 255)
    one, two = (len(encode(record_of(uid(40), (long,) * n))[0]) for n in (1, 2))
    largest = record_of(uid(40), (long,) * (1 + (MAX_COMMAND_BYTES - one) // (two - one)))
    left = MAX_COMMAND_BYTES - len(encode(largest)[0])
    largest = replace(largest, items=(*largest.items[1:], replace(long, sku="x" * left)))

    run.when(largest, made(AssignTransaction, document("D-1"), document_number="D-1", to_member=ANNA))

    assert MAX_COMMAND_BYTES - 5 < len(encode(largest)[0]) <= MAX_COMMAND_BYTES
    assert all_of(run.facts(TransactionAssigned), "member_id") == [ANNA]
    assert run.poison() == []


def test_a_transfer_comes_to_its_end_though_the_store_has_lost_its_settings() -> None:
    apart = Apart(SETTINGS, now=NOON)
    apart.put(
        register(), register(BORIS), add("100"), made(TransferUnits, receiver_id=BORIS, units=Decimal(30))
    )
    apart.step(COMMANDS.name, 4)

    apart.settings.clear()
    apart.drain()

    (released,) = apart.facts(UnitsReleased)
    account = apart.tables.of(owner_of(STORE, ANNA)).get(Account, b"default")
    assert account is not None
    assert (account.available, account.held, released.units) == (Decimal(100), Decimal(0), Decimal(30))
    assert len(apart.rejections()) == 1
    assert apart.poison() == []


def requested(run: Pipeline, request: IdentityRequest, key: str) -> None:
    value, header = encode(request)
    record = Record(IDENTITY_REQUESTS.name, 0, 0, key.encode(), value, {HEADER: header.encode()})
    run.ask(record)


@pytest.mark.parametrize("index", [-1, 1, 7])
@pytest.mark.parametrize("identifiers", [(), (MAIL,)])
def test_a_request_about_no_identifier_is_put_aside(index: int, identifiers: tuple[Identifier, ...]) -> None:
    run = ready()
    head: dict[str, Any] = {
        "command_id": uid(9),
        "store": STORE,
        "issued_at": NOON,
        "identifiers": identifiers,
    }

    requested(run, ClaimIdentifiers(**head, member_id=ANNA, index=index), "DEFAULT/email/anna@example.com")
    requested(run, FindMember(**head, asker=ANNA, by_hand=True, index=index), "DEFAULT/email/x")

    assert run.poison() == [f"has index {index} where {len(identifiers)} identifiers are"] * 2


def test_an_addressed_command_must_be_one_that_producers_send() -> None:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(email="anna@example.com"))
    value, schema = encode(made(AcceptUnits, uid(99), transfer_id=uid(9)))
    request = AddressedCommand(store=STORE, identifier=MAIL, issued_at=NOON, schema=schema, command=value)

    requested(run, request, "DEFAULT/email/anna@example.com")

    assert run.poison() == ["holds a AcceptUnits, which is no command to a member"]
    assert decode(AcceptUnits, value, schema).member_id == uid(99)


def test_a_stray_that_waited_behind_a_claim_is_put_aside_as_it_came() -> None:
    stray = made(AcceptUnits, transfer_id=uid(9))
    apart = Apart(SETTINGS, now=NOON)
    apart.put(made(RegisterMember, profile=Profile(email="anna@example.com")), stray, add("5"))
    apart.drain()

    assert apart.poison() == [f"answers transfer {uid(9)}, which is not under way"]
    assert apart.balance(ANNA) == 5

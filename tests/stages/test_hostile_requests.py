"""Identity requests that would be granted, and could not be answered, kept or brought to their end."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from streams.codec.avro import encode
from streams.domain.commands import AddUnits
from streams.domain.messages import (
    AddressedCommand,
    AnswerClaim,
    ClaimIdentifiers,
    FindMember,
    IdentityRequest,
    OfferUnits,
    ReleaseIdentifier,
)
from streams.domain.values import Draw, Identifier
from streams.stages.context import Record, StreamClock
from streams.stages.identity import MAX_IDENTIFIERS, request_key
from streams.topics import COMMANDS, IDENTITY_REQUESTS, REJECTIONS
from tests.domain.whole_store import WHOLE
from tests.driver import Pipeline
from tests.samples import ANNA, NOON, SETTINGS, add, register, uid

LATE = datetime(9999, 12, 31, tzinfo=UTC)
EMAIL = Identifier(kind="email", value="anna@example.com")
MANY = tuple(Identifier(kind="email", value=f"{number}@example.com") for number in range(MAX_IDENTIFIERS + 1))


def claim(**fields: Any) -> ClaimIdentifiers:
    plain = ClaimIdentifiers(
        command_id=uid(1), store="DEFAULT", member_id=ANNA, issued_at=NOON, identifiers=(EMAIL,)
    )
    return replace(plain, **fields)


def find(**fields: Any) -> FindMember:
    plain = FindMember(
        command_id=uid(1), store="DEFAULT", asker=uid(2), issued_at=NOON, by_hand=False, identifiers=(EMAIL,)
    )
    return replace(plain, **fields)


def release(**fields: Any) -> ReleaseIdentifier:
    plain = ReleaseIdentifier(store="DEFAULT", member_id=ANNA, issued_at=NOON, identifier=EMAIL)
    return replace(plain, **fields)


def addressed(command: AddUnits | None = None, **fields: Any) -> AddressedCommand:
    data, schema = encode(command or add("1"))
    plain = AddressedCommand(store="DEFAULT", identifier=EMAIL, issued_at=NOON, schema=schema, command=data)
    return replace(plain, **fields)


def asked(request: IdentityRequest) -> Pipeline:
    run = Pipeline(SETTINGS, now=NOON)
    value, header = encode(request)
    key = request_key(request).encode()
    run.ask(Record(IDENTITY_REQUESTS.name, 0, 0, key, value, {"schema": header.encode()}))
    return run


def nothing_was_done(run: Pipeline) -> bool:
    topics = (COMMANDS, IDENTITY_REQUESTS, REJECTIONS)
    return not any(run.log[topic.name] for topic in topics) and list(run.identifiers.entries()) == []


@pytest.mark.parametrize(
    "request_",
    [
        claim(issued_at=LATE),
        find(issued_at=LATE),
        release(issued_at=LATE),
        addressed(issued_at=LATE),
    ],
    ids=["claim", "search", "release", "addressed"],
)
def test_a_request_whose_answer_would_be_poison_is_poison_itself(request_: IdentityRequest) -> None:
    run = asked(request_)

    assert run.poison() == ["issued_at 9999-12-31 00:00:00+00:00 must lie before 9000-01-01 00:00:00+00:00"]
    assert nothing_was_done(run)


def test_a_command_within_a_request_that_would_be_poison_is_poison_there() -> None:
    run = asked(addressed(add("1", at=LATE)))

    (cause,) = run.poison()
    assert cause.startswith("holds a command whose issued_at 9999-12-31 00:00:00+00:00 must lie between 1900")
    assert nothing_was_done(run)


def test_a_message_from_the_calendar_s_end_is_poison() -> None:
    run = Pipeline(SETTINGS, now=NOON, clock=StreamClock())

    run.when(AnswerClaim(command_id=uid(1), store="DEFAULT", member_id=ANNA, issued_at=LATE))

    assert run.poison() == ["issued_at 9999-12-31 00:00:00+00:00 must lie before 9000-01-01 00:00:00+00:00"]


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
@pytest.mark.parametrize("field", ["earned_at", "expires_at"])
def test_an_offer_of_units_from_the_calendar_s_ends_is_poison(moment: datetime, field: str) -> None:
    run = Pipeline(WHOLE, now=NOON)
    run.when(register())
    draw = replace(
        Draw(lot_id=uid(7), units=Decimal(1), earned_at=NOON, expires_at=NOON + timedelta(days=40)),
        **{field: moment},
    )

    run.when(
        OfferUnits(
            command_id=uid(1),
            store="DEFAULT",
            member_id=ANNA,
            issued_at=NOON,
            transfer_id=uid(2),
            sender_id=uid(3),
            wallet="default",
            draws=(draw,),
            comment=None,
        )
    )

    (cause,) = run.poison()
    assert cause.startswith(f"tells of {moment}, which does not lie between 1000-01-01")


@pytest.mark.parametrize(
    "request_",
    [claim(identifiers=MANY), find(identifiers=MANY), addressed(otherwise=MANY[:-1])],
    ids=["claim", "search", "addressed"],
)
def test_a_request_is_not_written_again_for_identifiers_without_number(request_: IdentityRequest) -> None:
    run = asked(request_)

    assert run.poison() == ["has 33 identifiers; a request has 32 at most"]
    assert nothing_was_done(run)


ODD = Identifier(kind="phone", value="+48\x00k")
LONG = Identifier(kind="email", value="x" * (8 << 10))


@pytest.mark.parametrize("odd", [ODD, LONG], ids=["zero byte", "long"])
@pytest.mark.parametrize(
    "request_",
    [
        lambda odd: claim(identifiers=(EMAIL, odd)),
        lambda odd: find(identifiers=(EMAIL, odd)),
        lambda odd: addressed(otherwise=(odd,)),
    ],
    ids=["claim", "search", "addressed"],
)
def test_an_identifier_that_could_not_be_kept_is_refused_before_any_is_granted(
    request_: Any, odd: Any
) -> None:
    run = asked(request_(odd))

    (cause,) = run.poison()
    assert cause in (
        "has the phone '+48\\x00k', which holds a zero byte",
        "has a key of 8,206 bytes; one has 8,192 at most",
    )
    assert nothing_was_done(run)


def test_a_command_within_a_request_is_no_larger_than_a_command_may_be() -> None:
    run = asked(replace(addressed(), command=b"x" * ((1 << 20) + 1)))

    assert run.poison() == ["holds 1,048,577 bytes; a command has 1,048,576 at most"]
    assert nothing_was_done(run)


def test_as_many_identifiers_as_a_request_may_have_are_all_granted() -> None:
    run = asked(claim(identifiers=MANY[:-1]))

    assert len(list(run.identifiers.entries())) == MAX_IDENTIFIERS
    # Nobody waits for the answer.
    assert run.poison() == [f"answers command {uid(1)}, which waits for nothing"]

"""Whatever arrives goes to `poison` or `rejections` with its reason, and the next good record is handled."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO

import fastavro
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.codec.avro import decode, encode, released_schemas
from streams.domain.commands import AdvanceClock
from streams.domain.events import UnitsEarned
from streams.domain.messages import TakeTransaction
from streams.domain.values import MAX_AMOUNT, Value
from streams.rejections import CommandRejected, PoisonRecord
from streams.stages.context import Clock, Record, StreamClock, WallClock
from streams.topics import COMMANDS, MAX_BATCH_BYTES, POISON, REJECTIONS
from tests.driver import Pipeline, all_of, record
from tests.samples import ANNA, BORIS, NOON, SETTINGS, STORE, add, buy, purchase, register, spend, uid

GOOD = record(add("1"), 7)


def changed(
    *,
    value: bytes | None = GOOD.value,
    key: bytes | None = GOOD.key,
    headers: Mapping[str, bytes] = GOOD.headers,
) -> Record:
    return GOOD._replace(value=value, key=key, headers=headers)


def raw(command: Value, **fields: object) -> Record:
    """The command with fields that its own class would not let pass."""
    _, header = encode(command)
    tree = msgspec.to_builtins(command, builtin_types=(datetime, Decimal)) | fields
    out = BytesIO()
    fastavro.schemaless_writer(out, released_schemas()[header].parsed, tree)
    return Record(COMMANDS.name, 0, 7, GOOD.key, out.getvalue(), {"schema": header.encode()})


def with_anna(clock: Clock | None = None) -> Pipeline:
    run = Pipeline(SETTINGS, now=NOON, clock=clock)
    run.when(register(), add("10"))
    return run


def test_a_message_whose_items_add_up_to_more_than_a_record_holds_is_poison() -> None:
    items = tuple(replace(item, gross_value=MAX_AMOUNT) for item in purchase("1", "CD-1").items * 2)
    told = TakeTransaction(
        command_id=uid(1),
        store=STORE,
        member_id=ANNA,
        issued_at=NOON,
        document_id=uid(3),
        transaction_id=uid(2),
        document_number="CD-1",
        document_type="sell",
        purchased_at=NOON,
        gross_value=Decimal("1"),
        items=items,
        channel_id=None,
        by_hand=False,
    )
    run = with_anna()

    run.when(told)

    assert run.poison() == ["has items of less than 0, or that sum to more than 999999999999"]
    assert still_works(run)


def still_works(run: Pipeline) -> bool:
    """The next good record is handled."""
    run.when(add("5"))
    return run.facts(UnitsEarned)[-1].units == 5


VALUE = GOOD.value or b""


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        (changed(value=b"\xff" * 40), "is no AddUnits.v3: "),
        (changed(value=VALUE[:-20]), "is no AddUnits.v3: "),
        (changed(value=VALUE + b"\x00"), "is no AddUnits.v3: 1 bytes are left over"),
        (changed(value=None), "has no value"),
        (changed(headers={}), "has no header 'schema' that names its schema"),
        (
            changed(headers={"schema": b"AddUnits.v99"}),
            "header schema='AddUnits.v99' names no released schema",
        ),
        (changed(headers={"schema": b"\xff"}), "header schema='�' names no released schema"),
        (changed(key=None), f"has the key '' where 'DEFAULT/{ANNA}' belongs"),
        (changed(key=b"DEFAULT/someone"), f"has the key 'DEFAULT/someone' where 'DEFAULT/{ANNA}' belongs"),
        (changed(key=b"\xff\xfe"), f"has the key '��' where 'DEFAULT/{ANNA}' belongs"),
        (raw(add("1"), member_id="anna"), "member_id 'anna' Expected `str` matching regex"),
        (raw(add("1"), store="two words"), "store 'two words' Expected `str` matching regex"),
        (
            record(add("1", at=datetime(9999, 12, 31, tzinfo=UTC)), 7),
            "issued_at 9999-12-31 00:00:00+00:00 must lie between 1900-01-01 and 2199-12-31",
        ),
        (raw(add("1"), command_id=""), "command_id '' Expected `str` matching regex"),
        (
            raw(AdvanceClock(command_id=uid(1), issued_at=NOON), command_id="x"),
            "command_id 'x' Expected `str` matching regex",
        ),
    ],
)
@pytest.mark.parametrize("clock", [WallClock(), StreamClock()], ids=["live", "history"])
def test_what_cannot_be_understood_goes_to_poison_as_it_came(bad: Record, cause: str, clock: Clock) -> None:
    run = with_anna(clock)

    run.arrive(bad)

    (kept,) = run.log[POISON.name]
    poison = decode(PoisonRecord, kept.value, kept.schema)
    assert poison.cause.startswith(cause)
    assert (poison.key, poison.value, poison.headers) == (bad.key, bad.value, bad.headers)
    assert (poison.topic, poison.partition, poison.offset) == ("commands", 0, 7)
    assert run.rejections() == []
    assert still_works(run)


def oversized(size: int) -> Record:
    return changed(value=VALUE.ljust(size, b"\x00"))


def test_a_command_too_large_is_put_aside_whole_and_the_limit_named() -> None:
    run = with_anna()

    run.arrive(oversized(1 << 20), oversized(5 << 20))

    most, more = [decode(PoisonRecord, r.value, r.schema) for r in run.log[POISON.name]]
    assert most.cause.startswith("is no AddUnits.v3: ")
    assert more.cause == "has 5,242,880 bytes; a command has 1,048,576 at most"
    assert (more.value, more.left_out) == (oversized(5 << 20).value, 0)
    assert still_works(run)


@pytest.mark.parametrize(
    "huge",
    [
        oversized(50 << 20),
        changed(key=b"k" * (50 << 20)),
        changed(headers={**GOOD.headers, "trace": b"t" * (50 << 20)}, value=b"\x01"),
        changed(headers={"schema": b"s" * (6 << 20)}),
    ],
    ids=["value", "key", "header", "schema"],
)
def test_whatever_its_size_what_is_put_aside_fits_in_a_record(huge: Record) -> None:
    run = with_anna()

    run.arrive(huge)

    (kept,) = run.log[POISON.name]
    assert len(kept.value or b"") + len(kept.key or b"") < MAX_BATCH_BYTES
    poison = decode(PoisonRecord, kept.value, kept.schema)
    came = sum(map(len, (huge.key or b"", huge.value or b""))) + sum(
        len(name) + len(value) for name, value in huge.headers.items()
    )
    held = (
        len(poison.key or b"")
        + len(poison.value or b"")
        + sum(len(name) + len(value) for name, value in poison.headers.items())
    )
    assert held + poison.left_out == came
    assert still_works(run)


def test_a_record_that_is_no_command_is_poison() -> None:
    run = with_anna()
    value, header = encode(SETTINGS)

    run.arrive(changed(value=value, headers={"schema": header.encode()}))

    assert run.poison() == ["is a StoreSettings, which is no command"]
    assert still_works(run)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (record(add("1", BORIS), 7), f"member_id {BORIS} is not registered in store 'DEFAULT'"),
        (record(spend("11"), 7), "units 11 is more than the 10 available in wallet 'default'"),
        (
            record(replace(add("1"), store="OTHER"), 7),
            "store OTHER has no settings: `loyalty store put` gives it some",
        ),
        (raw(add("1"), expires_in_days=0), "expires_in_days 0 Expected `int` >= 1"),
        (raw(buy(), quantity=101), "quantity 101 Expected `int` <= 100"),
        (raw(purchase("1", "X"), document_type="gift"), "document_type gift Invalid enum value 'gift'"),
        (raw(purchase("1", "X"), document_number=""), "document_number  Expected `str` of length >= 1"),
        (
            raw(register(), profile={"email": "x" * 256}),
            "profile.email " + "x" * 256 + " Expected `str` of length <= 255",
        ),
    ],
)
def test_what_breaks_a_rule_goes_to_rejections_with_field_value_and_reason(bad: Record, reason: str) -> None:
    run = with_anna()

    run.arrive(bad)

    assert run.rejections() == [reason]
    assert run.poison() == []
    assert still_works(run)


def test_a_rejection_names_the_command_and_when_it_was_refused() -> None:
    run = with_anna()
    refused = spend("11")

    run.when(refused)

    (kept,) = run.log[REJECTIONS.name]
    rejection = decode(CommandRejected, kept.value, kept.schema)
    assert kept.key == f"DEFAULT/{ANNA}".encode()
    assert (rejection.command_id, rejection.command) == (refused.command_id, "SpendUnits")
    assert (rejection.store, rejection.member_id, rejection.rejected_at) == ("DEFAULT", ANNA, NOON)


def test_a_purchase_twice_under_two_ids_is_recorded_once() -> None:
    run = with_anna()

    run.when(purchase("1", "CD-1"), purchase("1", "CD-1"))

    assert [r.split(",")[0] for r in run.rejections()] == ["document_number CD-1 is already registered"]
    assert all_of(run.facts(UnitsEarned), "units") == [10, 10]


def test_a_clock_that_is_the_walls_is_not_advanced_by_a_record() -> None:
    run = with_anna()

    run.when(AdvanceClock(command_id=uid(1), issued_at=NOON.replace(year=2099)))

    assert (run.poison(), run.rejections()) == ([], [])
    assert still_works(run)
    assert run.facts(UnitsEarned)[-1].occurred_at == NOON


def test_bad_records_between_good_ones_do_not_change_what_the_good_ones_do() -> None:
    quiet, noisy = Pipeline(SETTINGS, now=NOON), Pipeline(SETTINGS, now=NOON)
    good = [record(command, n) for n, command in enumerate([register(), *(add("1") for _ in range(4))])]

    quiet.arrive(*good)
    noisy.arrive(*(r for one in good for r in (changed(value=b"\x01"), one, changed(key=b"?"))))

    assert quiet.log["events"] == noisy.log["events"]
    assert len(noisy.poison()) == 10


@given(st.lists(st.binary(max_size=60), max_size=10), st.sampled_from(sorted(released_schemas())))
def test_no_bytes_whatever_stop_the_stage(values: list[bytes], header: str) -> None:
    run = with_anna()

    run.arrive(*(changed(value=value, headers={"schema": header.encode()}) for value in values))

    assert still_works(run)


@given(st.data())
def test_no_flipped_byte_stops_the_stage_whichever_clock_it_keeps(data: st.DataObject) -> None:
    run = Pipeline(SETTINGS, now=NOON, clock=StreamClock())
    run.when(register(), add("10"))
    good = data.draw(st.sampled_from([add("1"), spend("1"), buy(), purchase("1", "X"), register(BORIS)]))
    came = record(good, 7)
    value = bytearray(came.value or b"")
    value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))

    run.arrive(came._replace(value=bytes(value)))

    assert len(run.log[COMMANDS.name]) == 3

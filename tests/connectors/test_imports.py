"""CSV files become commands; a line that cannot be read refuses itself and nothing else."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli.imports import KindName
from api.cli.imports.report import example
from connectors.imports.kind import ImportRun, ReadyCommand
from connectors.imports.reader import KINDS, Reading, RefusedLine, read
from streams.codec.avro import decode_tree as read_record
from streams.codec.avro import encode
from streams.domain.commands import (
    AddUnits,
    AssignTransaction,
    Command,
    RecordTransaction,
    RegisterMember,
    RegisterTransaction,
    SpendUnits,
)
from streams.domain.ids import document_id
from streams.domain.messages import AddressedCommand
from streams.domain.values import Address, Attribute, Buyer, Identifier, Item, Profile
from streams.errors import Misconfigured
from streams.stages.commands import parse_command
from tests.samples import ANNA, NOON, STORE

RUN = ImportRun(STORE, NOON)
EVERY_KIND = sorted(KINDS)


def imported(kind: str, *lines: str, run: ImportRun = RUN) -> Reading:
    return read(KINDS[kind], "\n".join(lines).encode(), run)


def command(ready: ReadyCommand) -> Command:
    """What its member is asked, by whatever he is named."""
    if isinstance(ready.record, AddressedCommand):
        made = parse_command(ready.record.command, ready.record.schema)
        assert isinstance(made, Command)
        return made
    return ready.record


def only(reading: Reading) -> Command:
    assert reading.refused == []
    (ready,) = reading.ready
    return command(ready)


def ids(reading: Reading) -> list[str]:
    return [ready.command_id for ready in reading.ready]


def test_the_command_line_offers_every_kind() -> None:
    assert set(get_args(KindName)) == set(KINDS)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_every_example_is_read_whole_and_its_commands_are_valid(kind: str) -> None:
    reading = read(KINDS[kind], example(KINDS[kind]).encode(), RUN)

    assert reading.refused == []
    assert reading.ready
    for ready in reading.ready:
        assert command(ready) == parse_command(*encode(command(ready)))
        assert ready.command_id == command(ready).command_id


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_the_example_s_first_line_names_columns_that_are_documented(kind: str) -> None:
    columns = KINDS[kind].columns(RUN)

    assert all(column.meaning for column in columns)
    assert {c.name for c in columns if c.required} <= set(example(KINDS[kind]).splitlines()[0].split(","))


def test_a_member_s_line_is_the_whole_profile() -> None:
    made = only(
        imported(
            "members",
            "memberId,email,phone,loyaltyCardNumber,firstName,lastName,birthDate,registeredAt,street,city,"
            "agreement1,agreement2,attribute:shoeSize,attribute:club",
            f'{ANNA.upper()},anna@example.com,+48 600 100 200,C-1,Anna,"Nowak, Jr.",1990-05-31,'
            '2024-02-29T10:15:00+01:00,"Długa ""5""",Kraków,YES,0,38,',
        )
    )

    assert isinstance(made, RegisterMember)
    assert made == RegisterMember(
        command_id=made.command_id,
        store=STORE,
        member_id=ANNA,
        issued_at=NOON,
        profile=Profile(
            first_name="Anna",
            last_name="Nowak, Jr.",
            email="anna@example.com",
            phone="+48 600 100 200",
            loyalty_card_number="C-1",
            birth_date=datetime(1990, 5, 31, tzinfo=UTC),
            address=Address(street='Długa "5"', city="Kraków"),
            custom_attributes=(Attribute(key="shoeSize", value="38"),),
            agreement1=True,
        ),
        registered_at=datetime(2024, 2, 29, 9, 15, tzinfo=UTC),
    )


def test_an_external_id_means_the_same_member_in_every_file() -> None:
    member = only(imported("members", "memberExternalId", "C/1")).member_id

    bought = only(
        imported(
            "transactions",
            "documentNumber,purchasedAt,sku,grossValue,memberExternalId",
            "R,2026-03-02,S,1,C/1",
        )
    )
    given_to = only(imported("transfers", "transferId,type,units,memberExternalId", "T,adding,1,C/1"))
    match = only(imported("matches", "documentNumber,memberExternalId", "R,C/1"))
    elsewhere = only(imported("members", "memberExternalId", "C/1", run=ImportRun("OTHER", NOON)))

    assert isinstance(match, AssignTransaction)
    assert {bought.member_id, given_to.member_id, match.to_member} == {member}
    assert elsewhere.member_id != member


def test_the_lines_of_one_document_are_its_items_wherever_they_stand() -> None:
    reading = imported(
        "transactions",
        "documentNumber,purchasedAt,documentType,sku,name,quantity,grossValue,maker,label:season,email,buyerName",
        "R-1,2026-03-02T12:00:00Z,return,CD,Compact disc,2,29.33,Polydor,winter,anna@example.com,Anna",
        "R-2,2026-03-02T12:00:00Z,,BAG,,,0.000001,,,,",
        "R-1,2026-03-02T12:00:00Z,return,BAG,,,0,,,anna@example.com,Anna",
    )

    first, second = map(command, reading.ready)
    assert isinstance(first, RecordTransaction)
    assert isinstance(second, RecordTransaction)
    assert [ready.lines for ready in reading.ready] == [(2, 4), (3,)]
    assert first.member_id == document_id(STORE, "R-1", "return")
    assert first.document_type == "return"
    assert first.buyer == Buyer(email="anna@example.com", name="Anna")
    assert first.items == (
        Item(
            sku="CD",
            name="Compact disc",
            quantity=2,
            gross_value=Decimal("29.33"),
            maker="Polydor",
            labels=(Attribute(key="season", value="winter"),),
        ),
        Item(sku="BAG", name="BAG", quantity=1, gross_value=Decimal(0)),
    )
    assert (second.document_type, second.buyer) == ("sell", None)


def test_a_purchase_of_a_member_who_is_named_by_id_goes_straight_there() -> None:
    made = only(
        imported(
            "transactions",
            "documentNumber,purchasedAt,sku,grossValue,memberId,phone",
            f"R-1,2026-03-02,S,1,{ANNA},600",
        )
    )

    assert isinstance(made, RegisterTransaction)
    assert (made.member_id, made.buyer) == (ANNA, Buyer(phone="600"))


def test_a_document_with_a_refused_line_is_not_sent_without_it() -> None:
    reading = imported(
        "transactions",
        "documentNumber,purchasedAt,sku,grossValue",
        "R-1,2026-03-02,A,1",
        "R-2,2026-03-02,A,1",
        "R-1,2026-03-02,B,ten",
        "R-1,2026-03-03,C,1",
        "R-1,2026-03-02,D,1",
    )

    assert [(r.line, r.field, r.value) for r in reading.refused] == [
        (2, "line", "line 4"),
        (4, "grossValue", "ten"),
        (5, "purchasedAt", "2026-03-03 00:00:00+00:00"),
        (6, "line", "line 4"),
    ]
    assert [ready.lines for ready in reading.ready] == [(3,)]


def test_neighbours_of_a_line_whose_document_cannot_be_told_are_not_sent() -> None:
    reading = imported(
        "transactions",
        "documentNumber,purchasedAt,sku,grossValue",
        "R-1,2026-03-02,A,1",
        "2026-03-02,B,1",
        "R-2,2026-03-02,A,1",
        "R-3,2026-03-02,A,1",
    )

    assert [r.line for r in reading.refused] == [2, 3, 4]
    assert [ready.lines for ready in reading.ready] == [(5,)]


def test_a_transfer_names_its_member_by_id_or_by_what_he_is_known_by() -> None:
    reading = imported(
        "transfers",
        "transferId,type,units,memberId,email,phone,loyaltyCardNumber,expiresInDays,lockedForDays,wallet,comment",
        f"T-1,adding,100.5,{ANNA},,,,90,14,default,Welcome",
        "T-2,spending,20,,Anna@Example.com,,,,,,",
        "T-3,spending,20,,,+48 (600)-100,,,,,",
        "T-4,spending,20,,,,CARD 1,,,,",
    )

    given_units, taken, *_ = map(command, reading.ready)
    assert isinstance(given_units, AddUnits)
    assert isinstance(taken, SpendUnits)
    assert given_units == AddUnits(
        command_id=given_units.command_id,
        store=STORE,
        member_id=ANNA,
        issued_at=NOON,
        units=Decimal("100.5"),
        wallet="default",
        expires_in_days=90,
        locked_for_days=14,
        comment="Welcome",
        once=True,
    )
    assert [r.record.identifier for r in reading.ready if isinstance(r.record, AddressedCommand)] == [
        Identifier(kind="email", value="anna@example.com"),
        Identifier(kind="phone", value="+48600100"),
        Identifier(kind="loyaltyCardNumber", value="CARD 1"),
    ]


def test_a_match_goes_to_the_document() -> None:
    made = only(imported("matches", "documentNumber,phone", "R-1,600 100"))

    assert isinstance(made, AssignTransaction)
    assert (made.member_id, made.document_number, made.phone) == (
        document_id(STORE, "R-1"),
        "R-1",
        "600 100",
    )


LINES = {
    "members": ("memberId,email,birthDate,agreement1,registeredAt", f"{ANNA},a@b.pl,,,"),
    "transactions": ("documentNumber,purchasedAt,sku,grossValue,quantity", "R-1,2026-03-02,S,1,1"),
    "transfers": ("transferId,type,units,memberId,email,lockedForDays", f"T-1,adding,1,{ANNA},,"),
    "matches": ("documentNumber,memberId,memberExternalId", f"R-1,{ANNA},"),
}


@pytest.mark.parametrize(
    ("kind", "column", "cell", "reason"),
    [
        ("members", "memberId", "7", "must be a UUID"),
        ("members", "memberId", "", "must be given, or memberExternalId instead"),
        ("members", "email", "anna", "is no e-mail address"),
        ("members", "email", f"{'a' * 250}@a.com", "must have 255 characters at most, not 256"),
        ("members", "birthDate", "31.05.1990", "must be a day such as 1990-05-31"),
        ("members", "birthDate", "0001-01-01", "must be a day"),
        ("members", "agreement1", "maybe", "must be one of true, yes, 1, false, no, 0"),
        ("members", "registeredAt", "yesterday", "must be a time such as"),
        ("members", "registeredAt", "9999-12-31T23:59:59-12:00", "must be a time such as"),
        ("transactions", "documentNumber", "", "is empty: of the receipt"),
        ("transactions", "grossValue", "-1", "must be an amount such as 29.33, from 0 to 999999999999"),
        ("transactions", "grossValue", "12,50", "must be an amount such as 29.33"),
        ("transactions", "grossValue", "0.0000001", "with at most six decimals"),
        ("transactions", "grossValue", "1000000000000", "must be an amount"),
        ("transactions", "grossValue", "１", "must be an amount"),
        ("transactions", "quantity", "0", "must be a whole number from 1 to 2147483647"),
        ("transactions", "quantity", "1.5", "must be a whole number"),
        ("transfers", "units", "0", "must be more than 0"),
        ("transfers", "units", "NaN", "must be an amount"),
        ("transfers", "type", "blocking", "must be adding or spending"),
        ("transfers", "lockedForDays", "36501", "must be a whole number from 1 to 36500"),
        ("transfers", "email", "anna@example.com", "one must be given, and one only"),
        ("transfers", "memberId", "", "one must be given, and one only"),
        ("transfers", "transferId", "", "is empty: your own id"),
        ("matches", "memberExternalId", "C-1", "one must be given, and one only"),
    ],
)
def test_what_a_cell_may_not_hold_is_refused_with_what_is_valid(
    kind: str, column: str, cell: str, reason: str
) -> None:
    header, good = LINES[kind]
    cells = dict(zip(header.split(","), good.split(","), strict=True)) | {column: cell}

    reading = imported(kind, header.replace(",", ";"), "", ";".join(cells.values()))

    (refused,) = reading.refused
    assert (refused.line, refused.field, refused.value) == (3, column, cell[:255])
    assert reason in refused.reason


def test_expiry_is_not_for_spending() -> None:
    reading = imported(
        "transfers", "transferId,type,units,memberId,expiresInDays", f"T-1,spending,1,{ANNA},30"
    )

    assert reading.refused == [RefusedLine(2, "expiresInDays", "30", "must be empty where units are spent")]


@pytest.mark.parametrize("kind", ["members", "transfers", "matches"])
def test_what_a_file_says_twice_is_refused_the_second_time(kind: str) -> None:
    header, good = LINES[kind]

    reading = imported(kind, header, good, good)

    assert len(reading.ready) == 1
    assert [(r.line, r.reason) for r in reading.refused] == [(3, "is in line 2 already")]


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("memberId,mail", "line 1: column 'mail' is unknown; valid are: memberId, memberExternalId, email"),
        ("memberId,email,email", "line 1: column 'email' is there twice"),
        ("memberId,attribute:", "line 1: column 'attribute:' is unknown"),
        ("", "line 2: column '00000000-0000-4000-8000-000000000001' is unknown"),
        ('memberId,"email', "line 1: must name the columns, and it is no CSV"),
    ],
)
def test_a_file_of_other_columns_is_refused_with_the_valid_ones(header: str, complaint: str) -> None:
    with pytest.raises(Misconfigured) as told:
        imported("members", header, f"{ANNA},")

    assert complaint in str(told.value)


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(Misconfigured, match="line 1: must name the columns, and it is empty"):
        imported("members", "", "")


def test_a_file_without_a_column_that_must_be_there_is_refused() -> None:
    with pytest.raises(Misconfigured, match="line 1: column 'transferId' is missing; valid are: transferId"):
        imported("transfers", "type,units,memberId")


def test_bytes_mark_separator_and_line_ends_make_no_difference() -> None:
    lines = "documentNumber,email\nR-1,anna@example.com\n\nR-2,ł@example.com\n"
    plain = read(KINDS["matches"], lines.encode(), RUN)

    for other in (
        lines.encode("utf-8-sig"),
        lines.replace(",", ";").encode(),
        lines.replace("\n", "\r\n").encode("utf-8-sig"),
        lines.rstrip("\n").encode(),
    ):
        assert read(KINDS["matches"], other, RUN) == plain
    assert [ready.lines for ready in plain.ready] == [(2,), (4,)]


def test_lines_that_are_no_csv_or_no_text_refuse_themselves_alone() -> None:
    data = (
        b"documentNumber,email\n"
        b'R-1,"a@example.com"x\n'
        b"R-2,\xff@example.com\n"
        b"R-3,a\x00@example.com\n"
        b"R-4,a@example.com,more\n"
        b'"R\n5",a@example.com\n'
        b"R-6,a@example.com\n"
        b'R-7,"never closed\n'
        b"R-8,a@example.com\n"
    )

    reading = read(KINDS["matches"], data, RUN)

    assert [(r.line, r.field, r.value) for r in reading.refused] == [
        (2, "line", ""),
        (3, "email", "\\udcff@example.com"),
        (4, "email", "a\x00@example.com"),
        (5, "line", "3 cells"),
        (9, "line", ""),
    ]
    assert [ready.lines for ready in reading.ready] == [(6,), (8,), (10,)]


def test_times_without_a_zone_are_of_the_zone_that_is_said() -> None:
    run = ImportRun(STORE, NOON, zone=ZoneInfo("Europe/Warsaw"))

    moments = [
        made.purchased_at
        for cell in ("2026-07-01", "2026-07-01 12:00", "2026-07-01T12:00:00Z")
        for made in [
            only(
                imported(
                    "transactions", "documentNumber,purchasedAt,sku,grossValue", f"R,{cell},S,1", run=run
                )
            )
        ]
        if isinstance(made, RecordTransaction)
    ]

    assert moments == [
        datetime(2026, 6, 30, 22, tzinfo=UTC),
        datetime(2026, 7, 1, 10, tzinfo=UTC),
        datetime(2026, 7, 1, 12, tzinfo=UTC),
    ]


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_the_same_file_makes_the_same_commands_whenever_it_is_read(kind: str) -> None:
    data = example(KINDS[kind]).encode()
    later = ImportRun(STORE, datetime(2027, 1, 1, tzinfo=UTC))

    first, again = read(KINDS[kind], data, RUN), read(KINDS[kind], data, later)

    assert ids(first) == ids(again)
    assert len(set(ids(first))) == len(first.ready)
    assert not set(ids(first)) & set(ids(read(KINDS[kind], data, ImportRun(STORE, NOON, attempt="2"))))
    assert not set(ids(first)) & set(ids(read(KINDS[kind], data, ImportRun("OTHER", NOON))))


def test_a_corrected_line_is_a_new_command_except_that_a_transfer_is_its_id_alone() -> None:
    def id_of(kind: str, header: str, line: str) -> str:
        return only(imported(kind, header, line)).command_id

    member, document = "memberId,email", "documentNumber,email"
    assert id_of("members", member, f"{ANNA},a@b.pl") != id_of("members", member, f"{ANNA},a@c.pl")
    assert id_of("matches", document, "R,a@b.pl") != id_of("matches", document, "R,a@c.pl")
    transfer = "transferId,type,units,memberId"
    assert id_of("transfers", transfer, f"T,adding,1,{ANNA}") == id_of(
        "transfers", transfer, f"T,adding,2,{ANNA}"
    )


@given(st.sampled_from(EVERY_KIND), st.data())
def test_any_cells_are_refused_or_make_a_record_that_the_workers_read(kind: str, data: st.DataObject) -> None:
    cell = st.one_of(
        st.text(max_size=300),
        st.sampled_from(["", ANNA, "adding", "2026-03-02", "1", "a@b.pl", "sell", "true", "0.000001", "()"]),
    )
    names = [c.name.replace("KEY", "k") for c in KINDS[kind].columns(RUN)]
    row = data.draw(st.lists(cell, min_size=len(names), max_size=len(names)))
    quoted = ",".join('"' + text.replace('"', '""') + '"' for text in row)

    reading = read(KINDS[kind], f"{','.join(names)}\n{quoted}".encode(errors="surrogatepass"), RUN)

    assert len(reading.ready) + len(reading.refused) == any(text.strip() for text in row)
    for ready in reading.ready:
        assert read_record(*encode(ready.record))
        assert parse_command(*encode(command(ready))) == command(ready)

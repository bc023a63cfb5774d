"""Files as people, tills and spreadsheets make them: what is refused is refused in a sentence."""

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.imports.kind import ImportRun
from connectors.imports.reader import KINDS, Reading, read
from streams.domain.values import IdentifierKind
from streams.errors import Misconfigured
from tests.identifiers import JUNK, RULES, SAME
from tests.samples import NOON, STORE

RUN = ImportRun(STORE, NOON, rules=RULES)
HEADER = "memberExternalId,firstName,email\n"
FINDS: dict[str, dict[str, str]] = {
    "members": {"memberExternalId": "C-1"},
    "transactions": {"documentNumber": "R-1", "purchasedAt": "2026-03-02", "sku": "S", "grossValue": "1"},
    "transfers": {"transferId": "T-1", "type": "adding", "units": "5"},
    "matches": {"documentNumber": "R-1"},
}
"""By kind of file, what its lines have besides an identifier."""


def file_of(*rows: Sequence[str], delimiter: str = ",") -> bytes:
    made = io.StringIO()
    csv.writer(made, delimiter=delimiter).writerows(rows)
    return made.getvalue().encode()


def members(data: bytes) -> Reading:
    return read(KINDS["members"], data, RUN)


@pytest.mark.parametrize("name", FINDS)
@pytest.mark.parametrize(("kind", "text"), JUNK, ids=map(ascii, JUNK))
def test_junk_is_refused_with_its_line_column_value_and_reason(
    kind: IdentifierKind, text: str, name: str
) -> None:
    others = FINDS[name]

    reading = read(KINDS[name], file_of([*others, kind], [*others.values(), text]), RUN)

    (refused,) = reading.refused
    assert (refused.line, refused.field) == (2, kind)
    assert refused.value
    assert refused.reason
    assert reading.ready == []


@pytest.mark.parametrize("name", FINDS)
@pytest.mark.parametrize(("kind", "text", "key"), SAME, ids=map(ascii, SAME))
def test_what_can_be_read_in_one_way_is_read(kind: IdentifierKind, text: str, key: str, name: str) -> None:
    others = FINDS[name]

    reading = read(KINDS[name], file_of([*others, kind], [*others.values(), text]), RUN)

    assert (len(reading.ready), reading.refused) == (1, [])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (HEADER.encode("utf-16"), "it is UTF-16 text, and no CSV: save it as CSV UTF-8"),
        (HEADER.encode("utf-16-le"), "it is UTF-16 text or no text at all: save it as CSV UTF-8"),
        (HEADER.encode("utf-16-be"), "it is UTF-16 text or no text at all: save it as CSV UTF-8"),
        (b"PK\x03\x04\x14\x00\x06\x00" + bytes(200), "it is a workbook (.xlsx or .ods) or another archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(200), "it is a workbook (.xls)"),
        (b"%PDF-1.7\n", "it is a PDF document"),
        ("memberExternalId,Vorname\xe4\n".encode("latin-1"), "is no UTF-8 text: save it as CSV UTF-8"),
        (b"", "it is empty"),
        (b"\n\n", "it is empty"),
        (b"memberExternalId,email,email\n", "column 'email' is there twice"),
        (b"memberExternalId, email ,\xef\xbb\xbfemail\n", "column 'email' is there twice"),
        (b"memberExternalId,,email\n", "column '' is unknown"),
        (b'memberExternalId,"email\n', "must name the columns, and it is no CSV"),
        (b"memberExternalId," + b"x" * 1_000_000, "must name the columns, and it is no CSV"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_a_sentence(data: bytes, reason: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        members(data)

    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfmemberExternalId,email\nC-1,anna@example.com\n",
        b"memberExternalId;email\r\nC-1;anna@example.com\r\n",
        b"memberExternalId\temail\nC-1\tanna@example.com\n",
        b"memberExternalId|email\nC-1|anna@example.com\n",
        b"sep=;\nmemberExternalId;email\nC-1;anna@example.com\n",
        b"memberExternalId,email\rC-1,anna@example.com\r",
        b"\n\nmemberExternalId,email\n\nC-1,anna@example.com\n\n",
        b" memberExternalId , email \nC-1, anna@example.com \n",
        "\u200bmemberExternalId,email\u00a0\nC-1,anna@example.com".encode(),
        b"memberExternalId,email,,\nC-1,anna@example.com,,\n",
        b"memberExternalId,email\nC-1,anna@example.com,,,\n",
    ],
)
def test_a_harmless_file_is_read(data: bytes) -> None:
    reading = members(data)

    assert (len(reading.ready), reading.refused) == (1, [])


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"C-2,\xc4sa,b@example.com", "must be UTF-8 text: save it as CSV UTF-8"),
        (b"C-2,A\x00sa,b@example.com", "must be UTF-8 text"),
        (b"C-2," + b"x" * 1_000_000 + b",b@example.com", "is no CSV (field larger than field limit"),
        (b'C-2,"never closed,b@example.com', "is no CSV"),
        (b'C-2,"Asa"x,b@example.com', "is no CSV"),
        (b"C-2,As\ra,b@example.com", "is no CSV"),
        (b"C-2,Asa", "must have 3, as the first line has"),
        (b"C-2,Asa,b@example.com,more", "must have 3, as the first line has"),
        (b"C-2,\xed\xa0\x80,b@example.com", "must be UTF-8 text"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_and_the_others_are_imported(line: bytes, fault: str) -> None:
    data = HEADER.encode() + b"C-1,Anna,a@example.com\n" + line + b"\nC-3,Celia,c@example.com\n"

    reading = members(data)

    assert [(refused.line, fault in refused.reason) for refused in reading.refused] == [(3, True)]
    assert [ready.lines for ready in reading.ready] == [(2,), (4,)]


PIECES = st.sampled_from(
    [
        *(b",", b";", b"\t", b"\n", b"\r", b'"', b"\x00", b"\xff", b"=", b"'"),
        *(b"C-1", b"a@b.pl", b"\xe2\x80\xae", b"sep=;\n"),
    ]
)
BYTES = st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=40).map(b"".join))


@given(st.sampled_from(sorted(FINDS)), BYTES)
def test_any_bytes_are_read_or_refused(name: str, data: bytes) -> None:
    header = ",".join((*FINDS[name], "email", "phone")).encode()
    for file in (data, header + b"\n" + data):
        try:
            reading = read(KINDS[name], file, RUN)
        except Misconfigured:
            continue
        lines = {line for ready in reading.ready for line in ready.lines}
        assert lines.isdisjoint(refused.line for refused in reading.refused)


@pytest.mark.parametrize("mangled", ["N/A", "NULL", "-", "#REF!", "4.86001E+10", "1.2E+05"])
@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("members", "memberExternalId"),
        ("transactions", "documentNumber"),
        ("transactions", "memberExternalId"),
        ("transfers", "transferId"),
        ("matches", "documentNumber"),
    ],
)
def test_two_that_a_spreadsheet_has_made_alike_are_not_taken_for_one(
    name: str, column: str, mangled: str
) -> None:
    cells = FINDS[name] | {"email": "anna@example.com"} | {column: mangled}

    reading = read(KINDS[name], file_of([*cells], [*cells.values()]), RUN)

    assert [(refused.line, refused.field, refused.value) for refused in reading.refused] == [
        (2, column, mangled)
    ]
    assert reading.ready == []

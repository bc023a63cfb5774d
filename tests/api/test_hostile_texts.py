"""Texts, numbers and depths that no line can show or no calendar holds: a sentence for their sender."""

import logging
from typing import Any

import pytest
from msgspec.structs import replace

from api.cli.lines import MAX_LOG_LINE, OneLine, say
from streams.codec.avro import decode, encode
from streams.domain.commands import AddUnits
from streams.domain.text import escape_text, find_text_flaw, quote_text
from streams.errors import Poison, Rejected
from tests.api.conftest import KEY, PATH, Door, complaints
from tests.api.test_access import ANNA, KEYS
from tests.samples import add
from tests.scenarios.store import SETTINGS

HIDDEN = [
    "\n",
    "\r",
    "\t",
    "\x00",
    "\x1b",
    "\x7f",
    "\x85",
    "\x9b",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u2066",
    "\u2069",
]
JSON = {"X-AUTH-TOKEN": KEY, "Content-Type": "application/json"}


def subscription(**fields: object) -> dict[str, Any]:
    said = {"eventName": "CustomerUpdated", "url": "https://shop.example/"} | fields
    return {"webhookSubscription": said}


@pytest.mark.parametrize("unfit", HIDDEN, ids=ascii)
def test_no_name_holds_what_no_line_can_show(door: Door, unfit: str) -> None:
    door.principals.put_admin(ANNA.admin_id, ANNA)
    name, code = f"till{unfit}INFO forged", f"U+{ord(unfit):04X}"
    transaction = {"documentNumber": name, "purchasedAt": "2026-03-01T12:00:00Z", "items": []}

    answers = {
        "apiKey.name": door.call("POST", KEYS, json={"apiKey": {"name": name}}),
        "webhookSubscription.description": door.call("POST", PATH, json=subscription(description=name)),
        "customer.firstName": door.call(
            "POST", "/api/DEFAULT/member/register", json={"customer": {"firstName": name}}
        ),
        "campaign": door.call(
            "POST", "/api/DEFAULT/campaign", json={"campaign": {"name": name, "pointsPerCurrencyUnit": 1}}
        ),
        "transaction.header.documentNumber": door.call(
            "POST", "/api/DEFAULT/transaction", json={"transaction": {"header": transaction}}
        ),
    }

    for path, answer in answers.items():
        said = complaints(answer)
        assert code in said.get(path, str(said)), path
    assert door.audit.changes == []


@pytest.mark.parametrize("unfit", HIDDEN, ids=ascii)
def test_no_store_is_set_with_a_name_that_no_line_can_show(unfit: str) -> None:
    wallet = replace(SETTINGS.wallets[0], name=f"Points{unfit}")

    with pytest.raises(ValueError, match=r"^wallets\[0\]\.name must not contain the control character U\+"):
        replace(SETTINGS, wallets=(wallet, *SETTINGS.wallets[1:])).check()


def test_a_comment_may_have_several_lines_and_nothing_else_of_that_kind() -> None:
    assert find_text_flaw("first\r\n\tsecond", lines=True) is None
    assert find_text_flaw("first\x1b[2Jsecond", lines=True) == "must not contain the control character U+001B"
    assert find_text_flaw("Zoë, Łódź, 東京, שלום, 👩‍👩‍👧") is None


@pytest.mark.parametrize("field", ["store", "member_id", "command_id"])
def test_no_code_or_id_ends_in_a_line_feed(field: str) -> None:
    value, header = encode(replace(add("1"), **{field: getattr(add("1"), field) + "\n"}))

    with pytest.raises((Poison, Rejected), match="matching regex"):
        decode(AddUnits, value, header)


@pytest.mark.parametrize(
    ("path", "content", "told"),
    [
        (PATH, rb'{"filter": [{"path": "a", "operator": "eq", "value": "\ud800"}]}', "half of a character"),
        (
            PATH,
            rb'{"filter": [{"path": "a", "operator": "in", "value": [{"\udfff": 1}]}]}',
            "half of a character",
        ),
        (PATH, rb'{"filter": [{"path": "\ud800", "operator": "exists", "value": true}]}', "unicode"),
        (PATH, rb'{"filter": [{"path": "a", "operator": "eq", "value": NaN}]}', "NaN"),
        (PATH, rb'{"description": "\ud800"}', "unicode"),
        (PATH, rb'{"eventName": "\ud800"}', ""),
    ],
)
def test_a_subscription_that_cannot_be_written_is_refused_with_the_reason(
    door: Door, path: str, content: bytes, told: str
) -> None:
    base = b'{"webhookSubscription": {"eventName": "CustomerUpdated", "url": "https://shop.example/", '

    answer = door.call("POST", path, content=base + content[1:] + b"}", headers=JSON)

    assert told in str(complaints(answer))
    assert door.audit.changes == []


@pytest.mark.parametrize(
    "campaign",
    [
        rb'{"name": "\ud800"}',
        rb'{"name": "x", "\ud800": 1}',
        b'{"name": "x", "conditions": ' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"}",
        b'{"name": "x", "conditions": ' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"name": "x", "conditions": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        b'{"name": "x", "pointsPerCurrencyUnit": NaN}',
        b'{"name": "x", "pointsPerCurrencyUnit": 1e999999}',
        b'{"name": "x", "pointsPerCurrencyUnit": ' + b"9" * 5000 + b"}",
        b'{"name": "x", "pointsPerCurrencyUnit": 1, "activeTo": "9999-12-31T23:59:59-12:00"}',
        b'{"name": "x", "pointsPerCurrencyUnit": 1, "activeFrom": "0001-01-01T00:00:00+14:00"}',
        b'{"name": "x", "pointsPerCurrencyUnit": 1, "per_member_limit": 1e400}',
    ],
    ids=range(11),
)
def test_a_campaign_that_cannot_be_read_again_is_refused(door: Door, campaign: bytes) -> None:
    answer = door.call(
        "POST", "/api/DEFAULT/campaign", content=b'{"campaign": ' + campaign + b"}", headers=JSON
    )

    assert answer.status_code == 400, answer.text
    assert "Traceback" not in answer.text
    assert door.audit.changes == []


@pytest.mark.parametrize(
    "moment",
    ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "+999999-01-01T00:00:00Z", "\x00", "9" * 400],
)
def test_a_key_s_end_lies_within_the_calendar(door: Door, moment: str) -> None:
    door.principals.put_admin(ANNA.admin_id, ANNA)

    answer = door.call("POST", KEYS, json={"apiKey": {"name": "x", "expirationDate": moment}})

    assert list(complaints(answer)) == ["apiKey.expirationDate"]


@pytest.mark.parametrize("query", ["_page=" + "9" * 5000, "_scroll=%ff", "_scroll=ff", "url[like]=%ed%a0%80"])
def test_a_query_of_any_kind_is_answered(door: Door, query: str) -> None:
    assert door.call("GET", f"{PATH}?{query}").status_code in {200, 400}


def formatted(message: str, *arguments: object) -> str:
    record = logging.LogRecord("x", logging.ERROR, "", 0, message, arguments, None)
    return OneLine("%(levelname)s api: %(message)s").format(record)


def test_whatever_is_logged_is_one_line_of_bounded_length() -> None:
    forged = formatted("subscription made by %s", "key till\n2026-01-01 INFO api: \x1b[2Jforged\u202e")

    assert (
        forged == r"ERROR api: subscription made by key till\u000a2026-01-01 INFO api: \u001b[2Jforged\u202e"
    )
    assert len(formatted("header %r", "s" * 900_000)) < MAX_LOG_LINE + 50


def test_a_stack_is_logged_in_lines_of_its_own() -> None:
    try:
        raise ValueError("first\x1bsecond")
    except ValueError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, "", 0, "broken", (), (ValueError, error, error.__traceback__)
        )

    first, *others = OneLine("%(message)s").format(record).splitlines()

    assert (first, others[-1]) == ("broken", r"ValueError: first\u001bsecond")


def test_what_is_printed_of_the_outside_forges_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("2026-01-01 created by key till\n2026-01-02 deleted by root", "\x1b]0;title\x07")

    assert capsys.readouterr().out.splitlines() == [
        r"2026-01-01 created by key till\u000a2026-01-02 deleted by root",
        r"\u001b]0;title\u0007",
    ]


def test_of_a_header_of_any_length_a_sentence_shows_the_beginning() -> None:
    with pytest.raises(Poison) as caught:
        decode(AddUnits, b"x", "s\n" * 450_000)

    assert len(str(caught.value)) < 700
    assert "\n" not in str(caught.value)
    assert quote_text("a\x00b") == r"'a\x00b'"
    assert escape_text("a\u2029b") == r"a\u2029b"

"""Phones, e-mails and cards at the REST door: junk is refused with its path, and names nobody."""

from typing import Any
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from streams.domain.values import IdentifierKind
from tests.api.conftest import Door
from tests.identifiers import JUNK, SAME

ROOT = "/api/DEFAULT"
SOME = [*JUNK[::7], ("phone", "N/A"), ("email", "mailto:anna@example.com"), ("loyaltyCardNumber", "2.6E+12")]


@pytest.fixture
def polish(door: Door) -> Door:
    settings = door.programme.settings
    settings["DEFAULT"] = replace(settings["DEFAULT"], phone_region="PL")
    return door


def opened(door: Door, kind: IdentifierKind, text: str) -> tuple[int, Any]:
    answer = door.call("POST", f"{ROOT}/member", json={"customer": {kind: text}})
    return answer.status_code, answer.json()


@pytest.mark.parametrize(("kind", "text"), SOME, ids=map(ascii, SOME))
def test_junk_is_refused_with_its_path_and_names_nobody(
    polish: Door, kind: IdentifierKind, text: str
) -> None:
    header = {"documentNumber": "R-1"}
    items = [{"sku": {"code": "CD"}, "grossValue": 10}]
    purchase = {"header": header, "items": items, "customerData": {kind: text}}

    status, body = opened(polish, kind, text)
    sold = polish.call("POST", f"{ROOT}/transaction", json={"transaction": purchase})
    named = polish.call("GET", f"{ROOT}/member/{kind}={quote(text, safe='')}")

    assert (status, [e["path"] for e in body["errors"]]) == (400, [f"customer.{kind}"])
    assert (sold.status_code, [e["path"] for e in sold.json()["errors"]]) == (
        400,
        [f"transaction.customerData.{kind}"],
    )
    assert named.status_code in {400, 404}


# A body's text with controls or what turns the direction of writing is refused before it is read.
SEEN = [each for each in SAME if not set(each[1]) & set("\t\u202a\u202c\u200e")]


@pytest.mark.parametrize(("kind", "text", "key"), SEEN, ids=map(ascii, SEEN))
def test_a_member_is_found_however_the_identifier_is_typed(
    polish: Door, kind: IdentifierKind, text: str, key: str
) -> None:
    status, member = opened(polish, kind, text)
    assert status == 200

    for name in (text, key):
        found = polish.get(f"{ROOT}/member/{kind}={quote(name, safe='')}")
        assert found["customerId"] == member["customerId"]
    assert opened(polish, kind, key)[0] == 409


def test_a_phone_is_shown_in_e_164(polish: Door) -> None:
    _, member = opened(polish, "phone", "600 100 203")

    assert polish.get(f"{ROOT}/member/{member['customerId']}")["phone"] == "+48600100203"


def test_a_match_by_junk_is_refused(polish: Door) -> None:
    match = {"transactionDocumentNumber": "R-1", "customerPhoneNumber": "N/A"}
    items = [{"sku": {"code": "CD"}, "grossValue": 10}]
    polish.call(
        "POST",
        f"{ROOT}/transaction",
        json={"transaction": {"header": {"documentNumber": "R-1"}, "items": items}},
    )

    answer = polish.call("POST", f"{ROOT}/transaction/assign", json={"assign": match})

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["path"]) == (400, "assign.customerPhoneNumber")
    assert "is a placeholder" in error["message"]

"""Amounts keep every digit that was sent, and numbers that nobody can mean are refused with a sentence."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from api.cli.store import parsed
from streams.domain.events import TransactionRecorded, UnitsEarned
from streams.errors import Misconfigured
from tests.api.conftest import Door
from tests.api.test_domain import ROOT, account, opened

EXACT = ["99999999999.999999", "0.000001", "123456789012.345678", "1e2", "29.330000000000000000000000000000"]
ABSURD = [
    "1e999999999",
    "1e-999999999",
    "1e99999999999999999999999",
    "999999999999.9999999",
    "0.30000000000000004",
    "NaN",
    "Infinity",
    "-Infinity",
    "-1",
    "9" * 5000,
    "1." + "1" * 50_000,
]


def sent(door: Door, path: str, text: str) -> httpx.Response:
    """A body as it is, letter for letter."""
    headers = {"X-AUTH-TOKEN": "a-key-for-tests", "Content-Type": "application/json"}
    return door.call("POST", f"{ROOT}/{path}", content=text.encode(), headers=headers)


def units(member: str, number: str) -> str:
    return f'{{"transfer": {{"customer": "{member}", "points": {number}}}}}'


@pytest.mark.parametrize("number", EXACT)
def test_a_number_of_a_body_is_kept_digit_for_digit(door: Door, number: str) -> None:
    member = opened(door)

    answer = sent(door, "points/add", units(member, number))

    assert answer.status_code == 200, answer.text
    assert door.programme.facts(UnitsEarned)[-1].units == Decimal(number)


@pytest.mark.parametrize("number", ["99999999999.999999", '"99999999999.999999"'])
def test_what_a_purchase_costs_is_kept_digit_for_digit(door: Door, number: str) -> None:
    item = f'{{"sku": {{"code": "A"}}, "grossValue": {number}}}'

    answer = sent(
        door, "transaction", f'{{"transaction": {{"header": {{"documentNumber": "D1"}}, "items": [{item}]}}}}'
    )

    assert answer.status_code == 200, answer.text
    assert door.programme.facts(TransactionRecorded)[-1].gross_value == Decimal("99999999999.999999")


@pytest.mark.parametrize("number", ABSURD, ids=lambda text: text[:30])
def test_a_number_that_no_amount_has_is_refused_with_a_sentence(door: Door, number: str) -> None:
    member = opened(door)

    answer = sent(door, "points/add", units(member, number))

    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert len(error["message"]) > 10
    assert account(door, member)["activeUnits"] == 0


@pytest.mark.parametrize("text", ["[" * 60_000, '{"transfer": ' * 4000, '"\udcff'])
def test_what_is_no_json_is_refused_with_a_sentence(door: Door, text: str) -> None:
    headers = {"X-AUTH-TOKEN": "a-key-for-tests", "Content-Type": "application/json"}
    body = text.encode("utf-8", "surrogateescape")

    answer = door.call("POST", f"{ROOT}/points/add", content=body, headers=headers)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"].startswith("The body is no JSON: ")


def test_a_campaign_and_a_filter_keep_their_digits(door: Door) -> None:
    campaign = '{"campaign": {"name": "n", "pointsPerCurrencyUnit": 12345678901.234567}}'
    made = sent(door, "campaign", campaign).json()["campaignId"]
    wanted = '{"path": "amount", "operator": "gt", "value": 99999999999.999999}'
    fields = (
        f'"eventName": "AvailablePointsAmountChanged", "url": "https://shop.example/a", "filter": [{wanted}]'
    )
    answer = sent(door, "webhook/subscription", f'{{"webhookSubscription": {{{fields}}}}}')

    headers = {"X-AUTH-TOKEN": "a-key-for-tests"}
    read = msgspec.json.Decoder(float_hook=Decimal)
    found = read.decode(door.call("GET", f"{ROOT}/campaign/{made}", headers=headers).content)
    number = answer.json()["webhookSubscriptionId"]
    subscription = door.call("GET", f"{ROOT}/webhook/subscription/{number}", headers=headers)

    assert found["pointsPerCurrencyUnit"] == Decimal("12345678901.234567")
    assert read.decode(subscription.content)["filter"][0]["value"] == Decimal("99999999999.999999")


@pytest.mark.parametrize("number", ["1e999999999", "1e-999999999", "1e2", "99999999999.999999"])
def test_a_file_of_settings_is_read_digit_for_digit(tmp_path: Path, number: str) -> None:
    file = tmp_path / "store.json"
    tree: dict[str, Any] = json.loads(Path("connectors/cdnow/store.json").read_text())
    tree["campaigns"][0]["points_per_currency_unit"] = "NUMBER"
    file.write_text(json.dumps(tree).replace('"NUMBER"', number))

    if "999999999" in number and "e" in number:
        with pytest.raises(Misconfigured, match="points_per_currency_unit must lie between 0 and"):
            parsed(file)
    else:
        assert parsed(file).campaigns[0].points_per_currency_unit == Decimal(number)


def test_a_file_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "store.json"
    file.write_text('{"campaigns": ' + "[" * 100_000)

    with pytest.raises(Misconfigured, match="store"):
        parsed(file)


def test_every_route_of_the_api_reads_its_body_exactly() -> None:
    plain = [path.name for path in Path("api").glob("*.py") if " APIRouter(" in path.read_text()]

    assert plain == []

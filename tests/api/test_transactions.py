"""Transactions as the original's clients send and read them."""

from typing import Any

import httpx

from streams.domain.events import UnitsEarned
from tests.api.conftest import Door, complaints
from tests.samples import uid

PATH = "/api/DEFAULT/transaction"


def opened(door: Door, **customer: str) -> str:
    answer = door.call("POST", "/api/DEFAULT/member", json={"customer": customer})
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["customerId"]
    return found


def sent(door: Door, number: str, amount: object = 10, **more: Any) -> httpx.Response:
    header = {"documentNumber": number, "purchasedAt": "2025-10-20T10:00:00Z", **more.pop("header", {})}
    items = more.pop("items", [{"sku": "CD", "name": "Disc", "category": "music", "grossValue": amount}])
    return door.call("POST", PATH, json={"transaction": {"header": header, "items": items, **more}})


def recorded(door: Door, number: str, amount: object = 10, **more: Any) -> str:
    answer = sent(door, number, amount, **more)
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["transactionId"]
    return found


def listed(door: Door, **query: str) -> list[str]:
    return [row["header"]["documentNumber"] for row in door.get(PATH, **query)["items"]]


def test_a_body_of_the_original_is_accepted_and_read_back(door: Door) -> None:
    anna = opened(door, email="anna@example.com")
    items = [
        {
            "sku": "CD",
            "name": "Disc",
            "category": "music",
            "maker": "Polydor",
            "quantity": 2,
            "grossValue": 20.5,
            "labels": [{"key": "season", "value": "winter"}],
        },
        {
            "sku": {"code": "TEA"},
            "name": "Tea",
            "category": "food",
            "highPrecisionQuantity": "0.25",
            "grossValue": 3,
        },
    ]
    header = {
        "documentType": "sell",
        "purchasePlace": "Old Town",
        "labels": [{"key": "till", "value": "7"}],
    }

    made = recorded(
        door, "R-1", items=items, header=header, customerData={"customerId": anna, "name": "Anna"}
    )

    row = door.get(f"{PATH}/{made}")
    assert row["transactionId"] == made
    assert (row["grossValue"], row["matched"], row["customerId"]) == (23.5, True, anna)
    assert (row["customerData"]["customerId"], row["customerData"]["name"]) == (anna, "Anna")
    assert row["header"]["purchasePlace"] == "Old Town"
    assert row["header"]["labels"] == [{"key": "till", "value": "7"}]
    assert [(i["sku"], i["quantity"], i["highPrecisionQuantity"]) for i in row["items"]] == [
        ("CD", 2, None),
        ("TEA", 1, 0.25),
    ]
    assert row["items"][0]["labels"] == [{"key": "season", "value": "winter"}]
    assert row["pointsEarned"] == sum(f.units for f in door.programme.facts(UnitsEarned)) > 0
    assert row["unitsDeducted"] == 0


def test_a_return_says_what_it_took_from_its_sale(door: Door) -> None:
    opened(door, email="anna@example.com")
    sale = recorded(door, "R-1", 10, customerData={"email": "anna@example.com"})
    earned = door.get(f"{PATH}/{sale}")["pointsEarned"]

    back = {"documentType": "return", "linkedDocumentNumber": "R-1"}
    returned = recorded(door, "R-1", 5, header=back, customerData={"email": "anna@example.com"})

    assert returned != sale
    assert door.get(f"{PATH}/{sale}")["unitsDeducted"] == earned / 2
    assert door.get(f"{PATH}/{returned}")["header"]["linkedDocumentNumber"] == "R-1"


def test_the_same_receipt_for_another_member_is_refused_and_named(door: Door) -> None:
    anna, boris = opened(door, email="anna@example.com"), opened(door, email="boris@example.com")
    recorded(door, "R-1", customerData={"customerId": anna})

    by_id = sent(door, "R-1", customerData={"customerId": boris})
    by_card = sent(door, "R-1", customerData={"email": "boris@example.com"})

    for answer in (by_id, by_card):
        assert answer.status_code == 409
        (error,) = answer.json()["errors"]
        assert error["path"] == "transaction.header.documentNumber"
        assert "already registered in store 'DEFAULT', as another purchase" in error["message"]
    assert [fact.member_id for fact in door.programme.facts(UnitsEarned)] == [anna]


def test_transactions_are_listed_by_filters_with_colons_labels_order_pages_and_scroll(door: Door) -> None:
    anna = opened(door, email="anna@example.com")
    recorded(door, "R-1", 10, customerData={"customerId": anna}, header={"purchasePlace": "Harbour"})
    recorded(door, "R-2", 30, customerData={"email": "anna@example.com"})
    labels = [{"key": "till", "value": "7"}]
    recorded(door, "R-3", 20, header={"labels": labels}, customerData={"email": "nobody@example.com"})

    assert door.get(PATH)["total"] == {"all": 3, "filtered": 3, "estimated": False}
    assert listed(door, **{"_orderBy[grossValue]": "desc"}) == ["R-2", "R-3", "R-1"]
    assert listed(door, **{"header:documentNumber": "R-2"}) == ["R-2"]
    assert listed(door, **{"header:purchasePlace[like]": "harb"}) == ["R-1"]
    assert listed(door, **{"header:labels": "(till;7)"}) == ["R-3"]
    assert listed(door, **{"items:sku": "CD", "matched": "false"}) == ["R-3"]
    assert listed(door, **{"grossValue[gte]": "20", "grossValue[lt]": "30"}) == ["R-3"]
    assert sorted(listed(door, customerId=anna)) == ["R-1", "R-2"]
    assert listed(door, customerId=uid(5)) == []
    assert listed(door, **{"customerData:email": "nobody@example.com"}) == ["R-3"]
    first = door.get(PATH, _itemsOnPage="2", _scroll="")
    rest = door.get(PATH, _itemsOnPage="2", _scroll=first["scroll"]["next"])
    walked = [row["transactionId"] for row in (*first["items"], *rest["items"])]
    assert len(set(walked)) == 3
    answer = door.call("GET", PATH, params={"header:nonsense": "1", "grossValue[gt]": "many"})
    assert set(complaints(answer)) == {"header:nonsense", "grossValue[gt]"}


def test_labels_are_put_and_deleted(door: Door) -> None:
    anna = opened(door, email="anna@example.com")
    first = recorded(door, "R-1", customerData={"customerId": anna})
    second = recorded(door, "R-2", customerData={"email": "anna@example.com"})
    labels = {"labels": [{"key": "till", "value": "7"}, {"key": "season", "value": "winter"}]}

    for transaction in (first, second):
        assert door.call("PUT", f"{PATH}/{transaction}/labels", json=labels).status_code == 204
        gone = {"labels": [{"key": "season", "value": "winter"}]}
        assert door.call("DELETE", f"{PATH}/{transaction}/labels", json=gone).status_code == 204

        shown = door.get(f"{PATH}/{transaction}")
        assert shown["header"]["labels"] == [{"key": "till", "value": "7"}]
    assert door.call("PUT", f"{PATH}/{uid(5)}/labels", json=labels).status_code == 404


def test_a_return_that_nobody_was_found_for_is_matched_by_its_number(door: Door) -> None:
    anna = opened(door, email="anna@example.com")
    returned = recorded(door, "B-1", header={"documentType": "return"})
    assert door.get(f"{PATH}/{returned}")["matched"] is False

    body = {"assign": {"transactionDocumentNumber": "B-1", "customerId": anna}}
    answer = door.call("POST", f"{PATH}/assign", json=body)

    assert answer.json() == {"transactionId": returned, "customerId": anna}
    shown = door.get(f"{PATH}/{returned}")
    assert (shown["matched"], shown["customerId"]) == (True, anna)
    assert shown["assignedToCustomerAt"] is not None


def test_a_transaction_that_there_is_not_or_is_another_stores_is_a_404(door: Door) -> None:
    made = recorded(door, "R-1")

    assert door.call("GET", f"{PATH}/{uid(5)}").status_code == 404
    assert door.call("GET", f"/api/OTHER/transaction/{made}").status_code == 404
    assert door.call("GET", "/api/OTHER/transaction").status_code == 404

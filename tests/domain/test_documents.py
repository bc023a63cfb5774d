"""A document number is unique within the store, once for purchases and once for returns, however the receipt
comes in."""

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from streams.domain.commands import AssignTransaction, ChangeTransactionLabels, RecordTransaction
from streams.domain.events import (
    TransactionAssigned,
    TransactionLabelsChanged,
    TransactionRecorded,
    UnitsEarned,
    UnitsTakenBack,
)
from streams.domain.ids import document_id
from streams.domain.state import Document, Known, Transaction, TransactionDetails
from streams.domain.values import Attribute, Buyer, Item
from streams.stages.context import StreamClock
from tests.driver import Pipeline, all_of
from tests.samples import ANNA, BORIS, NOON, SETTINGS, STORE, purchase, register, uid

CARD = "CARD-0001"


def store_of_two(**more: Any) -> Pipeline:
    run = Pipeline(SETTINGS, now=NOON, **more)
    anna = register(ANNA)
    run.when(replace(anna, profile=replace(anna.profile, loyalty_card_number=CARD)), register(BORIS))
    return run


def by_card(number: str, amount: str = "10", kind: Any = "sell", **more: Any) -> RecordTransaction:
    bought = purchase(amount, number)
    return RecordTransaction(
        command_id=bought.command_id,
        store=STORE,
        member_id=document_id(STORE, number, kind),
        issued_at=NOON,
        document_number=number,
        purchased_at=NOON,
        items=bought.items,
        document_type=kind,
        buyer=Buyer(loyalty_card_number=CARD),
        **more,
    )


def test_a_receipt_given_to_two_members_earns_once() -> None:
    run = store_of_two()

    run.when(purchase("10", "R-1", ANNA), purchase("10", "R-1", BORIS))

    assert all_of(run.facts(UnitsEarned), "member_id") == [ANNA]
    assert run.rejections() == [
        "document_number R-1 is already registered in store 'DEFAULT', as another purchase"
    ]


def test_a_receipt_earns_once_by_card_and_by_id_in_either_order() -> None:
    first, second = store_of_two(), store_of_two()

    first.when(by_card("R-1"), purchase("10", "R-1", BORIS), purchase("10", "R-1", ANNA))
    second.when(purchase("10", "R-1", BORIS), by_card("R-1"))

    assert all_of(first.facts(UnitsEarned), "member_id") == [ANNA]
    assert all_of(second.facts(UnitsEarned), "member_id") == [BORIS]
    assert (len(first.rejections()), len(second.rejections())) == (2, 1)
    assert second.tables.of(f"{STORE}/{document_id(STORE, 'R-1')}").get(Document) is None


def test_a_receipt_that_is_refused_for_another_reason_stays_free() -> None:
    run = store_of_two()

    run.when(replace(purchase("10", "R-1", BORIS), items=()), purchase("10", "R-1", ANNA))

    assert all_of(run.facts(UnitsEarned), "member_id") == [ANNA]


def test_while_history_is_played_a_receipt_waits_for_nothing_and_is_reserved_all_the_same() -> None:
    run = store_of_two(clock=StreamClock())

    run.when(purchase("10", "R-1", ANNA))

    (owner,) = [owner for _, owner, _, _ in run.identifiers.entries() if "/document/" in owner]
    known = run.identifiers.of(owner).get(Known)
    assert owner == f"{STORE}/document/{document_id(STORE, 'R-1')}"
    assert known is not None
    assert known.member_id == ANNA


def test_a_purchase_and_its_return_may_have_the_same_number_whichever_comes_first() -> None:
    run, other = store_of_two(), store_of_two()
    back = replace(purchase("4", "R-1"), document_type="return")

    run.when(purchase("10", "R-1"), replace(back, linked_document_number="R-1"))
    run.when(replace(back, command_id=uid(91)))
    other.when(back, purchase("10", "R-1"), purchase("10", "R-1"))

    for each in (run, other):
        numbers = all_of(each.facts(TransactionAssigned), "document_number")
        assert (numbers, len(each.rejections())) == (["R-1", "R-1"], 1)
        kept = list(each.tables.of(f"{STORE}/{ANNA}").scan(Transaction))
        assert {entry.returned: entry.gross_value for entry in kept} == {False: 10, True: 4}
    assert all_of(run.facts(UnitsTakenBack), "units") == [40]


def test_a_return_by_card_is_tied_to_its_purchase_by_id() -> None:
    run = store_of_two()

    run.when(purchase("10", "R-1"), by_card("R-1", "4", "return", linked_document_number="R-1"))
    run.when(by_card("R-2", "7", "return", linked_document_number="R-1"))

    assert all_of(run.facts(UnitsTakenBack), "units") == [40]
    assert len(run.facts(TransactionAssigned)) == 2


def test_older_producers_may_send_a_return_under_the_id_of_a_purchase() -> None:
    run = store_of_two()

    run.when(replace(by_card("R-1", kind="return"), member_id=document_id(STORE, "R-1")))
    run.when(by_card("R-1", kind="return"))

    assert len(run.facts(TransactionAssigned)) == 1
    assert run.rejections() == [
        "document_number R-1 is already registered in store 'DEFAULT', as another return"
    ]


def test_weighed_goods_are_returned_by_their_exact_quantity() -> None:
    run = store_of_two()

    def cheese(kilos: str, worth: str) -> tuple[Item, ...]:
        return (
            Item(
                sku="CHEESE",
                name="Cheese",
                quantity=1,
                gross_value=Decimal(worth),
                high_precision_quantity=Decimal(kilos),
            ),
        )

    run.when(replace(purchase("1", "R-1"), items=cheese("0.75", "9")))
    for number, kilos in (("B-1", "0.25"), ("B-2", "0.5"), ("B-3", "0.25")):
        back = replace(purchase("1", number), document_type="return", linked_document_number="R-1")
        run.when(replace(back, items=cheese(kilos, "2")))

    assert all_of(run.facts(TransactionAssigned), "document_number") == ["R-1", "B-1", "B-2"]
    assert run.rejections() == ["items 0.25 of 'CHEESE' is more than the 0 left of purchase R-1"]


def change(owner: str, transaction_id: str, number: int, **labels: Any) -> ChangeTransactionLabels:
    return ChangeTransactionLabels(
        command_id=uid(number),
        store=STORE,
        member_id=owner,
        issued_at=NOON,
        transaction_id=transaction_id,
        **{name: tuple(Attribute(key=k, value=v) for k, v in pairs) for name, pairs in labels.items()},
    )


def test_labels_are_added_replaced_and_removed_of_a_members_transaction_and_of_a_document() -> None:
    run = store_of_two()
    labelled = replace(purchase("10", "R-1"), labels=(Attribute(key="till", value="1"),))
    run.when(labelled, by_card("R-2"))
    first, second = all_of(run.facts(TransactionRecorded), "transaction_id")

    run.when(
        change(ANNA, first, 71, added=[("till", "2"), ("season", "winter")]),
        change(ANNA, first, 72, removed=[("season", "summer")]),
        change(ANNA, first, 73, removed=[("season", "winter")]),
        change(second, second, 74, added=[("till", "9")]),
        change(ANNA, uid(5), 75, added=[("till", "9")]),
    )

    told = [[(each.key, each.value) for each in f.labels] for f in run.facts(TransactionLabelsChanged)]
    assert told == [[("till", "2"), ("season", "winter")], [("till", "2")], [("till", "9")]]
    kept = run.tables.of(f"{STORE}/{ANNA}").get(TransactionDetails, first.encode())
    assert kept is not None
    assert kept.labels == (Attribute(key="till", value="2"),)
    assert run.rejections() == [f"transaction_id {uid(5)} is no transaction of this member"]


def test_a_match_by_hand_does_not_pass_a_receipt_on_that_its_member_has() -> None:
    run = store_of_two()
    run.when(purchase("10", "R-1", BORIS))
    own = document_id(STORE, "R-1")

    run.when(replace(by_card("R-1"), buyer=None))
    run.when(
        AssignTransaction(
            command_id=uid(81),
            store=STORE,
            member_id=own,
            issued_at=NOON,
            document_number="R-1",
            to_member=ANNA,
        )
    )

    assert all_of(run.facts(UnitsEarned), "member_id") == [BORIS]
    assert len(run.rejections()) == 2

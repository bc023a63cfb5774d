"""Accounts of members and their transactions."""

from collections.abc import Iterator
from decimal import Decimal

from streams.domain.act import Act
from streams.domain.commands import RegisterMember, RegisterTransaction
from streams.domain.events import Event, MemberRegistered, TransactionAssigned, TransactionRecorded
from streams.domain.state import Member, State, Transaction
from streams.domain.values import MOST, UNIT
from streams.errors import Rejected


def register(state: State, command: RegisterMember, act: Act) -> Iterator[Event]:
    if state.get(Member):
        raise Rejected("member_id", command.member_id, f"is already registered in store {command.store!r}")
    yield MemberRegistered(
        **act.stamp("MemberRegistered"),
        profile=command.profile,
        registered_at=command.registered_at or command.issued_at,
    )


def require(state: State, act: Act) -> Member:
    """The member, or Rejected."""
    member = state.get(Member)
    if member is None:
        raise Rejected("member_id", act.member_id, f"is not registered in store {act.store!r}")
    return member


def record_transaction(state: State, command: RegisterTransaction, act: Act) -> Iterator[Event]:
    require(state, act)
    earlier = state.get(Transaction, command.document_number.encode())
    if earlier:
        raise Rejected(
            "document_number",
            command.document_number,
            f"is already registered, as transaction {earlier.transaction_id}",
        )
    gross = _gross_value(command)
    transaction_id = act.id("transaction")
    yield TransactionRecorded(
        **act.stamp("TransactionRecorded"),
        transaction_id=transaction_id,
        document_number=command.document_number,
        document_type=command.document_type,
        purchased_at=command.purchased_at,
        gross_value=gross,
        items=command.items,
        buyer=command.buyer,
        channel_id=command.channel_id,
    )
    yield TransactionAssigned(
        **act.stamp("TransactionAssigned"),
        transaction_id=transaction_id,
        document_number=command.document_number,
        gross_value=gross,
    )


def _gross_value(command: RegisterTransaction) -> Decimal:
    if not command.items:
        raise Rejected("items", [], "must hold at least one item")
    for index, item in enumerate(command.items):
        if not 0 <= item.gross_value <= MOST or item.gross_value % UNIT:
            raise Rejected(
                f"items[{index}].gross_value",
                str(item.gross_value),
                f"must lie between 0 and {MOST}, with at most six decimals",
            )
    gross = sum((item.gross_value for item in command.items), Decimal(0))
    if gross > MOST:
        raise Rejected("items", str(gross), f"sum to more than {MOST}")
    return gross

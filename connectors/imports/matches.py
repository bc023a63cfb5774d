"""One line is a match: it gives a recorded transaction to a member. Pure."""

from connectors.imports.columns import MEMBER, Column, Row, found_by, identifier_columns, own_id
from connectors.imports.kind import Kind, Ready, Run, member_of, one_way
from streams.domain.commands import AssignTransaction
from streams.domain.ids import document_id


def _columns(run: Run) -> tuple[Column, ...]:
    return (
        Column("documentNumber", own_id, "of the transaction, recorded without its member", required=True),
        *MEMBER,
        *identifier_columns(found_by, run.rules),
    )


def _key(row: Row) -> str:
    return row.get("documentNumber") or ""


def _make(rows: list[Row], run: Run) -> Ready:
    (row,) = rows
    number = _key(row)
    command = AssignTransaction(
        **run.head("matches", document_id(run.store, number), number, row.content),
        document_number=number,
        to_member=member_of(row, run),
        loyalty_card_number=row.get("loyaltyCardNumber"),
        phone=row.get("phone"),
        email=row.get("email"),
    )
    return Ready(command.command_id, (row.line,), command)


MATCHES = Kind("matches", "recorded transactions given to members", _columns, _key, one_way, _make)

"""One line is a match: it gives a recorded transaction to a member. Pure."""

from connectors.imports.columns import MEMBER, Column, Row, identifier_columns, known_identifier, own_id
from connectors.imports.kind import FileKind, ImportRun, ReadyCommand, member_id_of, require_one_identifier
from streams.domain.commands import AssignTransaction
from streams.domain.ids import document_id


def _columns(run: ImportRun) -> tuple[Column, ...]:
    return (
        Column("documentNumber", own_id, "of the transaction, recorded without its member", required=True),
        *MEMBER,
        *identifier_columns(known_identifier, run.rules),
    )


def _key(row: Row) -> str:
    return row.get("documentNumber") or ""


def _make(rows: list[Row], run: ImportRun) -> ReadyCommand:
    (row,) = rows
    number = _key(row)
    command = AssignTransaction(
        **run.head("matches", document_id(run.store, number), number, row.content),
        document_number=number,
        to_member=member_id_of(row, run),
        loyalty_card_number=row.get("loyaltyCardNumber"),
        phone=row.get("phone"),
        email=row.get("email"),
    )
    return ReadyCommand(command.command_id, (row.line,), command)


MATCHES = FileKind(
    "matches", "recorded transactions given to members", _columns, _key, require_one_identifier, _make
)

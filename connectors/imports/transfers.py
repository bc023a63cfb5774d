"""One line is a transfer: units given to a member or taken away. Pure."""

from connectors.imports.columns import (
    KINDS_OF_IDENTIFIER,
    MEMBER,
    Column,
    Row,
    code,
    identifier_columns,
    known_identifier,
    one_of,
    own_id,
    positive_amount,
    text,
    whole_number,
)
from connectors.imports.kind import FileKind, ImportRun, ReadyCommand, member_id_of, require_one_identifier
from streams.codec.avro import encode
from streams.domain.commands import AddUnits, SpendUnits
from streams.domain.identifiers import sought
from streams.domain.ids import derived_id
from streams.domain.messages import AddressedCommand
from streams.domain.values import Identifier
from streams.errors import Rejected

_FOR_ADDING = ("expiresInDays", "lockedForDays")


def _columns(run: ImportRun) -> tuple[Column, ...]:
    return (
        Column("transferId", own_id, "your own id: the same is carried out once", required=True),
        Column("type", one_of("adding", "spending"), "adding or spending", required=True),
        Column("units", positive_amount, "how many", required=True),
        *MEMBER,
        *identifier_columns(known_identifier, run.rules),
        Column("wallet", code, "code of the wallet type; the store's own if empty"),
        Column("expiresInDays", whole_number(36_500), "of adding; the wallet type's policy if empty"),
        Column("lockedForDays", whole_number(36_500), "of adding; the wallet type's policy if empty"),
        Column("comment", text, "why"),
    )


def _key(row: Row) -> str:
    return row.get("transferId") or ""


def _make(rows: list[Row], run: ImportRun) -> ReadyCommand:
    (row,) = rows
    member_id = member_id_of(row, run)
    if member_id:
        command = _command(row, run, member_id)
        return ReadyCommand(command.command_id, (row.line,), command)
    first, *others = _identifiers(row, run)
    # If nobody has the identifier, the refusal is written under this id.
    command = _command(row, run, derived_id(run.store, "import", "unknown", first.kind, first.value))
    value, schema = encode(command)
    addressed = AddressedCommand(
        store=run.store,
        identifier=first,
        issued_at=run.issued_at,
        schema=schema,
        command=value,
        otherwise=tuple(others),
    )
    return ReadyCommand(command.command_id, (row.line,), addressed)


def _command(row: Row, run: ImportRun, member_id: str) -> AddUnits | SpendUnits:
    # The command's id depends on the transfer's id only, and `once` is kept for ever: a line that was edited
    # after it was accepted must not give the units again, even after months.
    head = run.head("transfers", member_id, _key(row))
    if row.get("type") == "adding":
        return AddUnits(
            **head,
            units=row.get("units"),
            wallet=row.get("wallet"),
            expires_in_days=row.get("expiresInDays"),
            locked_for_days=row.get("lockedForDays"),
            comment=row.get("comment"),
            once=True,
        )
    for name in _FOR_ADDING:
        if row.get(name):
            raise Rejected(name, str(row.get(name)), "must be empty where units are spent")
    return SpendUnits(
        **head, units=row.get("units"), wallet=row.get("wallet"), comment=row.get("comment"), once=True
    )


def _identifiers(row: Row, run: ImportRun) -> tuple[Identifier, ...]:
    """The forms of the given identifier: the present one, and those it may have been stored in earlier."""
    found = (sought(kind, row.get(kind), run.rules) for kind in KINDS_OF_IDENTIFIER)
    return next(each for each in found if each)


TRANSFERS = FileKind(
    "transfers", "units given or taken away", _columns, _key, require_one_identifier, _make, once=True
)

"""Reads and validates commands: from a record to a command, or to the reason why it is refused."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import msgspec

from streams.codec.avro import build_value, decode_tree
from streams.domain.commands import (
    AdvanceClock,
    Command,
    DocumentCommand,
    MemberCommand,
    RegisterMember,
    SignUpMember,
    UpdateMember,
)
from streams.domain.instants import INSTANT_RANGE, is_in_range
from streams.domain.messages import (
    AcceptUnits,
    AnswerSearch,
    AnyCommand,
    Message,
    OfferUnits,
    RefuseUnits,
    ReturnTransaction,
    TakeTransaction,
)
from streams.domain.values import MAX_AMOUNT, is_amount
from streams.errors import Poison, Rejected
from streams.rejections import MAX_COMMAND_BYTES, MAX_COMMAND_PARTS, MAX_MESSAGE_BYTES
from streams.stages.context import Record

COMMANDS_BY_NAME: dict[str, type[AnyCommand | AdvanceClock]] = {
    kind.__name__: kind
    for kind in (*get_args(MemberCommand), *get_args(DocumentCommand), *get_args(Message), AdvanceClock)
}

MESSAGES = get_args(Message)
ANSWERS = (AcceptUnits, RefuseUnits, ReturnTransaction, AnswerSearch)
"""Messages that complete something that their addressee has started."""
_MESSAGE_NAMES = {kind.__name__ for kind in MESSAGES}
_UNCONVERTED_TYPES = (datetime, Decimal, bytes)
FIRST, LAST = datetime(1000, 1, 1, tzinfo=UTC), datetime(9800, 1, 1, tzinfo=UTC)
"""More than a century away from the ends of `datetime`: units last a century at most."""
LATEST_ISSUED_AT = datetime(9000, 1, 1, tzinfo=UTC)
"""While history is played, timers are computed from `issued_at`: after this they would exceed `datetime`."""


class InvalidCommand(Exception):
    """A field has a value that is invalid in any state. The command is rejected, as its sender is known."""

    def __init__(self, head: Command, name: str, refusal: Rejected) -> None:
        super().__init__(str(refusal))
        self.head = head
        self.name = name
        self.refusal = refusal


def read_command(record: Record) -> AnyCommand | AdvanceClock:
    """The record's command. Raises Poison if its sender cannot be told of the error, InvalidCommand if it
    can."""
    value = _bounded_value(record)
    command = parse_command(value, record.schema)
    _check_instants(command, record.kind)
    if isinstance(command, Command):
        record.check_key(owner_of(command.store, command.member_id))
        _check_part_count(command, value or b"")
    return command


def _instant_fields(kind: type[Any]) -> tuple[str, ...]:
    return tuple(name for name, hint in get_type_hints(kind).items() if datetime in (hint, *get_args(hint)))


_INSTANT_FIELDS = {kind: _instant_fields(kind) for kind in COMMANDS_BY_NAME.values()}


def _check_instants(command: AnyCommand | AdvanceClock, name: str) -> None:
    """Messages between owners are checked less strictly: they follow from facts, some of which are older than
    this rule."""
    if isinstance(command, MESSAGES):
        check_issued_at(command.issued_at)
        _check_message_instants(command)
        _check_item_sums(command)
        return
    for field in _INSTANT_FIELDS[type(command)]:
        _check_instant(command, name, field, getattr(command, field))
    if isinstance(command, RegisterMember | SignUpMember | UpdateMember):
        _check_instant(command, name, "profile.birth_date", command.profile.birth_date)


def _check_message_instants(message: AnyCommand) -> None:
    """Raises Poison for instants so near the ends of `datetime` that date arithmetic would overflow."""
    match message:
        case OfferUnits(draws=draws):
            moments = [moment for draw in draws for moment in (draw.earned_at, draw.expires_at) if moment]
        case TakeTransaction(purchased_at=purchased_at):
            moments = [purchased_at]
        case _:
            return
    for moment in moments:
        if not FIRST <= moment < LAST:
            raise Poison(f"tells of {moment}, which does not lie between {FIRST} and {LAST}")


def _check_item_sums(message: AnyCommand) -> None:
    """Raises Poison if the items' sum exceeds what a record can hold. The document that sends them rejects
    such items."""
    if isinstance(message, TakeTransaction):
        values = [item.gross_value for item in message.items]
        if not all(is_amount(value) for value in (*values, sum(values, Decimal(0)))):
            raise Poison(f"has items of less than 0, or that sum to more than {MAX_AMOUNT}")


def check_issued_at(issued_at: datetime) -> None:
    """Checks a message between owners and the identity stage. Raises Poison."""
    if issued_at >= LATEST_ISSUED_AT:
        raise Poison(f"issued_at {issued_at} must lie before {LATEST_ISSUED_AT}")


def _check_instant(
    command: AnyCommand | AdvanceClock, name: str, field: str, moment: datetime | None
) -> None:
    """Raises Poison or InvalidCommand for an instant out of range. While history is played, timers are
    computed from `issued_at` too."""
    if moment is None or is_in_range(moment):
        return
    refusal = Rejected(field, moment.isoformat(), INSTANT_RANGE)
    if not isinstance(command, Command) or field == "issued_at":
        # The sender cannot be told: the rejection would be issued at that time.
        raise Poison(f"{field} {moment} {INSTANT_RANGE}")
    raise InvalidCommand(command, name, refusal)


def _check_part_count(command: Command, value: bytes) -> None:
    # A part has two bytes at least, so that few records have to be counted.
    parts = len(value) > 2 * MAX_COMMAND_PARTS and _count_parts(
        msgspec.to_builtins(command, builtin_types=_UNCONVERTED_TYPES)
    )
    if parts > MAX_COMMAND_PARTS:
        reason = (
            f"are more items, labels and attributes than the {MAX_COMMAND_PARTS:,} that a command may have"
        )
        refusal = Rejected("parts", f"{parts:,}", reason)
        head = Command(**{field: getattr(command, field) for field in Command.__struct_fields__})
        raise InvalidCommand(head, type(command).__name__, refusal)


def _count_parts(tree: object) -> int:
    if isinstance(tree, dict):
        return sum(_count_parts(part) for part in tree.values())
    return len(tree) + sum(_count_parts(part) for part in tree) if isinstance(tree, (list, tuple)) else 0


def _bounded_value(record: Record) -> bytes | None:
    """The record's value. Raises Poison if it is larger than a command, or a message between owners, may
    be."""
    kind, most = (
        ("message", MAX_MESSAGE_BYTES) if record.kind in _MESSAGE_NAMES else ("command", MAX_COMMAND_BYTES)
    )
    if record.value is not None and len(record.value) > most:
        raise Poison(f"has {len(record.value):,} bytes; a {kind} has {most:,} at most")
    return record.value


def parse_command(value: bytes | None, schema: str | None) -> AnyCommand | AdvanceClock:
    name, tree = decode_tree(value, schema)
    kind = COMMANDS_BY_NAME.get(name)
    if kind is None:
        raise Poison(f"is a {name}, which is no command")
    try:
        return build_value(kind, tree)
    except Rejected as refusal:
        head = {field: tree.get(field) for field in Command.__struct_fields__}
        if kind is AdvanceClock or refusal.field in head:
            # The sender cannot be told: a rejection is addressed by these fields.
            raise Poison(str(refusal)) from None
        raise InvalidCommand(build_value(Command, head), name, refusal) from None


def owner_of(store: str, member_id: str) -> str:
    """The key of a member's records, which is also the owner of the member's entries."""
    return f"{store}/{member_id}"

"""Reading commands: from a record to a command that may be decided, or to why it may not."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import msgspec

from streams.codec.avro import build, read
from streams.domain.commands import (
    AdvanceClock,
    Command,
    DocumentCommand,
    MemberCommand,
    RegisterMember,
    SignUpMember,
    UpdateMember,
)
from streams.domain.instants import RANGE, is_in_range
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
from streams.domain.values import MOST, is_amount
from streams.errors import Poison, Rejected
from streams.rejections import LARGEST_COMMAND, LARGEST_MESSAGE, MOST_PARTS
from streams.stages.context import Record

COMMANDS_BY_NAME: dict[str, type[AnyCommand | AdvanceClock]] = {
    kind.__name__: kind
    for kind in (*get_args(MemberCommand), *get_args(DocumentCommand), *get_args(Message), AdvanceClock)
}

MESSAGES = get_args(Message)
ANSWERS = (AcceptUnits, RefuseUnits, ReturnTransaction, AnswerSearch)
"""Messages that end something that their addressee has begun."""
_MESSAGES = {kind.__name__ for kind in MESSAGES}
_AS_THEY_ARE = (datetime, Decimal, bytes)
FIRST, LAST = datetime(1000, 1, 1, tzinfo=UTC), datetime(9800, 1, 1, tzinfo=UTC)
"""A century and more from the calendar's ends: units last a century at most."""
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""While history is played, timers count on from `issued_at`: beyond this they would leave the calendar."""


class Invalid(Exception):
    """A field of the command has a value that no state could make valid; its sender can be told."""

    def __init__(self, head: Command, name: str, refusal: Rejected) -> None:
        super().__init__(str(refusal))
        self.head = head
        self.name = name
        self.refusal = refusal


def command_of(record: Record) -> AnyCommand | AdvanceClock:
    """The command. Raises Poison where nobody could be told, Invalid where somebody can."""
    value = _bounded(record)
    command = parse(value, record.schema)
    _check_instants(command, record.kind)
    if isinstance(command, Command):
        record.check_key(owner_of(command.store, command.member_id))
        _check_parts(command, value or b"")
    return command


def _instants(kind: type[Any]) -> tuple[str, ...]:
    return tuple(name for name, hint in get_type_hints(kind).items() if datetime in (hint, *get_args(hint)))


_INSTANTS = {kind: _instants(kind) for kind in COMMANDS_BY_NAME.values()}


def _check_instants(command: AnyCommand | AdvanceClock, name: str) -> None:
    """What owners tell one another follows from facts, some of which are older than this rule."""
    if isinstance(command, MESSAGES):
        check_told(command.issued_at)
        _check_moments(command)
        _check_sums(command)
        return
    for field in _INSTANTS[type(command)]:
        _check_instant(command, name, field, getattr(command, field))
    if isinstance(command, RegisterMember | SignUpMember | UpdateMember):
        _check_instant(command, name, "profile.birth_date", command.profile.birth_date)


def _check_moments(message: AnyCommand) -> None:
    """Raises Poison for what lies so near the calendar's ends that no lead time could be told before it, nor
    a date counted on from it."""
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


def _check_sums(message: AnyCommand) -> None:
    """Raises Poison where items add up to what no record can hold: the document that sent them refuses it."""
    if isinstance(message, TakeTransaction):
        values = [item.gross_value for item in message.items]
        if not all(is_amount(value) for value in (*values, sum(values, Decimal(0)))):
            raise Poison(f"has items of less than 0, or that sum to more than {MOST}")


def check_told(issued_at: datetime) -> None:
    """Of what owners and the identity stage tell one another. Raises Poison."""
    if issued_at >= LATEST:
        raise Poison(f"issued_at {issued_at} must lie before {LATEST}")


def _check_instant(
    command: AnyCommand | AdvanceClock, name: str, field: str, moment: datetime | None
) -> None:
    """While history is played, timers also count on from `issued_at`."""
    if moment is None or is_in_range(moment):
        return
    refusal = Rejected(field, moment.isoformat(), RANGE)
    if not isinstance(command, Command) or field == "issued_at":
        # Nobody could be told: the answer would come at that time.
        raise Poison(f"{field} {moment} {RANGE}")
    raise Invalid(command, name, refusal)


def _check_parts(command: Command, value: bytes) -> None:
    # A part has two bytes at least: few records need be counted.
    parts = len(value) > 2 * MOST_PARTS and _parts(msgspec.to_builtins(command, builtin_types=_AS_THEY_ARE))
    if parts > MOST_PARTS:
        reason = f"are more items, labels and attributes than the {MOST_PARTS:,} that a command may have"
        refusal = Rejected("parts", f"{parts:,}", reason)
        head = Command(**{field: getattr(command, field) for field in Command.__struct_fields__})
        raise Invalid(head, type(command).__name__, refusal)


def _parts(tree: object) -> int:
    if isinstance(tree, dict):
        return sum(_parts(part) for part in tree.values())
    return len(tree) + sum(_parts(part) for part in tree) if isinstance(tree, (list, tuple)) else 0


def _bounded(record: Record) -> bytes | None:
    """The value, which is of no more bytes than a command may have, or a message between owners."""
    kind, most = ("message", LARGEST_MESSAGE) if record.kind in _MESSAGES else ("command", LARGEST_COMMAND)
    if record.value is not None and len(record.value) > most:
        raise Poison(f"has {len(record.value):,} bytes; a {kind} has {most:,} at most")
    return record.value


def parse(value: bytes | None, schema: str | None) -> AnyCommand | AdvanceClock:
    name, tree = read(value, schema)
    kind = COMMANDS_BY_NAME.get(name)
    if kind is None:
        raise Poison(f"is a {name}, which is no command")
    try:
        return build(kind, tree)
    except Rejected as refusal:
        head = {field: tree.get(field) for field in Command.__struct_fields__}
        if kind is AdvanceClock or refusal.field in head:
            # Nobody could be told: the answer is found by these fields.
            raise Poison(str(refusal)) from None
        raise Invalid(build(Command, head), name, refusal) from None


def owner_of(store: str, member_id: str) -> str:
    """The key of a member's records and the owner of its entries."""
    return f"{store}/{member_id}"

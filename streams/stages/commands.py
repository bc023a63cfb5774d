"""Reading commands: from a record to a command that may be decided, or to why it may not."""

from datetime import datetime
from typing import Any, get_args, get_type_hints

from streams.codec import build, read
from streams.domain.commands import (
    AdvanceClock,
    Command,
    DocumentCommand,
    MemberCommand,
    RegisterMember,
    SignUpMember,
    UpdateMember,
)
from streams.domain.messages import (
    AcceptUnits,
    AnswerSearch,
    AnyCommand,
    Message,
    RefuseUnits,
    ReturnTransaction,
)
from streams.domain.moments import RANGE, is_in_range
from streams.errors import Poison, Rejected
from streams.refusals import LARGEST_COMMAND
from streams.stages.turn import Record

COMMANDS_BY_NAME: dict[str, type[AnyCommand | AdvanceClock]] = {
    kind.__name__: kind
    for kind in (*get_args(MemberCommand), *get_args(DocumentCommand), *get_args(Message), AdvanceClock)
}

MESSAGES = get_args(Message)
ANSWERS = (AcceptUnits, RefuseUnits, ReturnTransaction, AnswerSearch)
"""Messages that end something that their addressee has begun."""
_MESSAGES = {kind.__name__ for kind in MESSAGES}


class Invalid(Exception):
    """A field of the command has a value that no state could make valid; its sender can be told."""

    def __init__(self, head: Command, name: str, refusal: Rejected) -> None:
        super().__init__(str(refusal))
        self.head = head
        self.name = name
        self.refusal = refusal


def command_of(record: Record) -> AnyCommand | AdvanceClock:
    """The command. Raises Poison where nobody could be told, Invalid where somebody can."""
    command = parse(_bounded(record), record.schema)
    _check_instants(command, record.kind)
    if isinstance(command, Command):
        _check_key(record, owner_of(command.store, command.member_id))
    return command


def _instants(kind: type[Any]) -> tuple[str, ...]:
    return tuple(name for name, hint in get_type_hints(kind).items() if datetime in (hint, *get_args(hint)))


_INSTANTS = {kind: _instants(kind) for kind in COMMANDS_BY_NAME.values()}


def _check_instants(command: AnyCommand | AdvanceClock, name: str) -> None:
    """What owners tell one another follows from facts, some of which are older than this rule."""
    if isinstance(command, MESSAGES):
        return
    for field in _INSTANTS[type(command)]:
        _check_instant(command, name, field, getattr(command, field))
    if isinstance(command, RegisterMember | SignUpMember | UpdateMember):
        _check_instant(command, name, "profile.birth_date", command.profile.birth_date)


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


def _bounded(record: Record) -> bytes | None:
    """What owners tell one another may be larger than the command that it follows from."""
    name = record.kind
    if name not in _MESSAGES and record.value is not None and len(record.value) > LARGEST_COMMAND:
        raise Poison(f"has {len(record.value):,} bytes; a command has {LARGEST_COMMAND:,} at most")
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


def _check_key(record: Record, owner: str) -> None:
    """A record on the wrong partition would see another state: its key must be its member's."""
    if record.key != owner.encode():
        key = (record.key or b"").decode(errors="replace")
        raise Poison(f"has the key {key!r} where {owner!r} belongs")

"""The identity stage: who is known by which e-mail, phone or card number. The one place that decides it.

Its records are keyed by the identifier, so that all who want the same one meet on one partition.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never, get_args

from msgspec.structs import replace

from streams.codec.avro import build, read
from streams.domain.commands import Command, MemberCommand
from streams.domain.identifiers import is_junk
from streams.domain.instants import RANGE, is_in_range
from streams.domain.messages import (
    AddressedCommand,
    AnswerClaim,
    AnswerSearch,
    ClaimIdentifiers,
    FindMember,
    IdentityRequest,
    ReleaseIdentifier,
)
from streams.domain.state import Drop, Entry, Known
from streams.domain.text import shown
from streams.domain.values import Identifier
from streams.errors import Poison, Rejected
from streams.rejections import LARGEST_COMMAND, LARGEST_MESSAGE, CommandRejected
from streams.stages.base import EachRecord
from streams.stages.commands import COMMANDS_BY_NAME, check_told, owner_of
from streams.stages.context import LONGEST_KEY, Record, Turn
from streams.tables.owner_entries import Owned
from streams.topics import COMMANDS, IDENTITY_REQUESTS, REJECTIONS

_KINDS: dict[str, type[IdentityRequest]] = {kind.__name__: kind for kind in get_args(IdentityRequest)}


MOST_IDENTIFIERS = 32
"""Of one request, which is written again for each: some three forms of each of a member's three are usual."""


class IdentityStage(EachRecord):
    kinds: Sequence[type[Entry]] = (Known,)

    def record(self, turn: Turn, record: Record) -> None:
        self._request(turn, _read(record))

    def _request(self, turn: Turn, request: IdentityRequest) -> None:
        match request:
            case ClaimIdentifiers():
                self._claim(turn, request)
            case ReleaseIdentifier():
                state = turn.tables.of(key_of(request.store, request.identifier))
                known = state.get(Known)
                if known and known.member_id == request.member_id:
                    state.apply(Drop(entry=known))
            case FindMember():
                self._find(turn, request)
            case AddressedCommand():
                self._pass_on(turn, request)
            case _:
                assert_never(request)

    def _claim(self, turn: Turn, request: ClaimIdentifiers) -> None:
        identifier = request.identifiers[request.index]
        state = turn.tables.of(key_of(request.store, identifier))
        known = state.get(Known)
        if known and known.member_id != request.member_id:
            _give_back(turn, request)
            _answer(turn, request, identifier)
            return
        state.apply(Known(member_id=request.member_id))
        if request.index + 1 < len(request.identifiers):
            _ask(turn, replace(request, index=request.index + 1))
        else:
            _answer(turn, request, None)

    def _find(self, turn: Turn, request: FindMember) -> None:
        known = _known(turn, request.store, request.identifiers[request.index])
        if known is None and request.index + 1 < len(request.identifiers):
            _ask(turn, replace(request, index=request.index + 1))
            return
        answer = AnswerSearch(
            command_id=request.command_id,
            store=request.store,
            member_id=request.asker,
            issued_at=request.issued_at,
            by_hand=request.by_hand,
            found=known.member_id if known else None,
        )
        turn.send(COMMANDS, owner_of(request.store, request.asker), answer)

    def _pass_on(self, turn: Turn, request: AddressedCommand) -> None:
        command = _addressed(request)
        known = _known(turn, request.store, request.identifier)
        if known:
            owner = owner_of(request.store, known.member_id)
            turn.send(COMMANDS, owner, replace(command, member_id=known.member_id))
        elif request.otherwise:
            following, *others = request.otherwise
            _ask(turn, replace(request, identifier=following, otherwise=tuple(others)))
        else:
            turn.send(
                REJECTIONS, owner_of(command.store, command.member_id), _nobody(command, request, turn.now)
            )


def request_key(request: IdentityRequest) -> str:
    """The key of the request's record: that of the identifier that it is about next."""
    match request:
        case ClaimIdentifiers() | FindMember():
            return key_of(request.store, request.identifiers[request.index])
        case ReleaseIdentifier() | AddressedCommand():
            return key_of(request.store, request.identifier)


def key_of(store: str, identifier: Identifier) -> str:
    return f"{store}/{identifier.kind}/{identifier.value}"


def _read(record: Record) -> IdentityRequest:
    if len(record.value or b"") > LARGEST_MESSAGE:
        raise Poison(f"has {len(record.value or b''):,} bytes; a request has {LARGEST_MESSAGE:,} at most")
    name, tree = read(record.value, record.schema)
    kind = _KINDS.get(name)
    if kind is None:
        raise Poison(f"is a {name}, which is no identity request")
    try:
        request = build(kind, tree)
    except Rejected as refusal:
        raise Poison(str(refusal)) from None
    if isinstance(request, ClaimIdentifiers | FindMember) and not (
        0 <= request.index < len(request.identifiers)
    ):
        raise Poison(f"has index {request.index} where {len(request.identifiers)} identifiers are")
    record.check_key(request_key(request))
    _check(request)
    return request


def _check(request: IdentityRequest) -> None:
    """Raises Poison for what would be granted, and could not be answered or kept."""
    check_told(request.issued_at)
    identifiers = _identifiers(request)
    if len(identifiers) > MOST_IDENTIFIERS:
        raise Poison(f"has {len(identifiers):,} identifiers; a request has {MOST_IDENTIFIERS} at most")
    for each in identifiers:
        key = key_of(request.store, each)
        if "\x00" in key:
            # It ends an owner's name in the tables: what is kept under it could not be restored.
            raise Poison(f"has the {each.kind} {shown(each.value)}, which holds a zero byte")
        if len(key.encode()) > LONGEST_KEY:
            raise Poison(f"has a key of {len(key.encode()):,} bytes; one has {LONGEST_KEY:,} at most")


def _identifiers(request: IdentityRequest) -> tuple[Identifier, ...]:
    """All that the request is about, now or later."""
    match request:
        case ClaimIdentifiers() | FindMember():
            return request.identifiers
        case ReleaseIdentifier():
            return (request.identifier,)
        case AddressedCommand():
            return (request.identifier, *request.otherwise)


def _known(turn: Turn, store: str, identifier: Identifier) -> Known | None:
    """Junk names nobody, though members may have been known by it before it was refused."""
    if is_junk(identifier):
        return None
    state: Owned = turn.tables.of(key_of(store, identifier))
    return state.get(Known)


def _ask(turn: Turn, request: IdentityRequest) -> None:
    turn.send(IDENTITY_REQUESTS, request_key(request), request)


def _give_back(turn: Turn, request: ClaimIdentifiers) -> None:
    """What was granted of a claim that fails."""
    for identifier in request.identifiers[: request.index]:
        _ask(
            turn,
            ReleaseIdentifier(
                store=request.store,
                member_id=request.member_id,
                issued_at=request.issued_at,
                identifier=identifier,
            ),
        )


def _answer(turn: Turn, request: ClaimIdentifiers, taken: Identifier | None) -> None:
    answer = AnswerClaim(
        command_id=request.command_id,
        store=request.store,
        member_id=request.member_id,
        issued_at=request.issued_at,
        taken=taken,
    )
    turn.send(COMMANDS, owner_of(request.store, request.member_id), answer)


def _addressed(request: AddressedCommand) -> Command:
    if len(request.command) > LARGEST_COMMAND:
        raise Poison(f"holds {len(request.command):,} bytes; a command has {LARGEST_COMMAND:,} at most")
    name, tree = read(request.command, request.schema)
    kind = COMMANDS_BY_NAME.get(name)
    if kind is None or not issubclass(kind, Command) or kind not in get_args(MemberCommand):
        raise Poison(f"holds a {name}, which is no command to a member")
    try:
        command: Command = build(kind, tree)
    except Rejected as refusal:
        raise Poison(str(refusal)) from None
    if not is_in_range(command.issued_at):
        raise Poison(f"holds a command whose issued_at {command.issued_at} {RANGE}")
    if command.store != request.store:
        raise Poison(f"holds a command for store {command.store!r} where {request.store!r} belongs")
    return command


def _nobody(command: Command, request: AddressedCommand, now: datetime) -> CommandRejected:
    return CommandRejected(
        command_id=command.command_id,
        command=type(command).__name__,
        store=command.store,
        member_id=command.member_id,
        field=request.identifier.kind,
        value=request.identifier.value,
        reason=f"is nobody's in store {request.store!r}",
        rejected_at=now,
    )

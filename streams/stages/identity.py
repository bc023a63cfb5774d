"""The identity stage: the only place that decides which member an e-mail address, phone or card number
belongs to.

Its records are keyed by the identifier, so that all claims for the same identifier meet on one partition.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never, get_args

from msgspec.structs import replace

from streams.codec.avro import build_value, decode_tree
from streams.domain.commands import Command, MemberCommand
from streams.domain.identifiers import is_junk
from streams.domain.instants import INSTANT_RANGE, is_in_range
from streams.domain.messages import (
    AddressedCommand,
    AnswerClaim,
    AnswerSearch,
    ClaimIdentifiers,
    FindMember,
    IdentityRequest,
    ReleaseIdentifier,
    ReserveDocument,
)
from streams.domain.state import Drop, Entry, Known
from streams.domain.text import quote_text
from streams.domain.values import Identifier
from streams.errors import Poison, Rejected
from streams.rejections import MAX_COMMAND_BYTES, MAX_MESSAGE_BYTES, CommandRejected
from streams.stages.base import RecordStage
from streams.stages.commands import COMMANDS_BY_NAME, check_issued_at, owner_of
from streams.stages.context import MAX_KEY_BYTES, Record, StageContext
from streams.tables.owner_entries import OwnerState
from streams.topics import COMMANDS, IDENTITY_REQUESTS, REJECTIONS

_KINDS: dict[str, type[IdentityRequest]] = {kind.__name__: kind for kind in get_args(IdentityRequest)}


MAX_IDENTIFIERS = 32
"""Most identifiers in one request, which is written again for each. Usual are about three forms of each of a
member's three."""


class IdentityStage(RecordStage):
    kinds: Sequence[type[Entry]] = (Known,)

    def record(self, turn: StageContext, record: Record) -> None:
        self._handle_request(turn, _read_request(record))

    def _handle_request(self, turn: StageContext, request: IdentityRequest) -> None:
        match request:
            case ClaimIdentifiers():
                self._claim(turn, request)
            case ReleaseIdentifier():
                state = turn.tables.of(identifier_key(request.store, request.identifier))
                known = state.get(Known)
                if known and known.member_id == request.member_id:
                    state.apply(Drop(entry=known))
            case ReserveDocument():
                if request.identifier.kind != "document":
                    raise Poison(f"reserves the {request.identifier.kind} of a member, and not a document")
                state = turn.tables.of(identifier_key(request.store, request.identifier))
                if state.get(Known) is None:
                    state.apply(Known(member_id=request.member_id))
            case FindMember():
                self._search_member(turn, request)
            case AddressedCommand():
                self._pass_on(turn, request)
            case _:
                assert_never(request)

    def _claim(self, turn: StageContext, request: ClaimIdentifiers) -> None:
        identifier = request.identifiers[request.index]
        state = turn.tables.of(identifier_key(request.store, identifier))
        known = state.get(Known)
        if known and known.member_id != request.member_id:
            _release_granted(turn, request)
            _answer_claim(turn, request, identifier)
            return
        state.apply(Known(member_id=request.member_id))
        if request.index + 1 < len(request.identifiers):
            _send_request(turn, replace(request, index=request.index + 1))
        else:
            _answer_claim(turn, request, None)

    def _search_member(self, turn: StageContext, request: FindMember) -> None:
        known = _find_member(turn, request.store, request.identifiers[request.index])
        if known is None and request.index + 1 < len(request.identifiers):
            _send_request(turn, replace(request, index=request.index + 1))
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

    def _pass_on(self, turn: StageContext, request: AddressedCommand) -> None:
        command = _addressed_command(request)
        known = _find_member(turn, request.store, request.identifier)
        if known:
            owner = owner_of(request.store, known.member_id)
            turn.send(COMMANDS, owner, replace(command, member_id=known.member_id))
        elif request.otherwise:
            following, *others = request.otherwise
            _send_request(turn, replace(request, identifier=following, otherwise=tuple(others)))
        else:
            turn.send(
                REJECTIONS,
                owner_of(command.store, command.member_id),
                _reject_unknown(command, request, turn.now),
            )


def request_key(request: IdentityRequest) -> str:
    """The key of the request's record, which is the identifier that it handles next."""
    match request:
        case ClaimIdentifiers() | FindMember():
            return identifier_key(request.store, request.identifiers[request.index])
        case ReleaseIdentifier() | ReserveDocument() | AddressedCommand():
            return identifier_key(request.store, request.identifier)


def identifier_key(store: str, identifier: Identifier) -> str:
    return f"{store}/{identifier.kind}/{identifier.value}"


def _read_request(record: Record) -> IdentityRequest:
    if len(record.value or b"") > MAX_MESSAGE_BYTES:
        raise Poison(f"has {len(record.value or b''):,} bytes; a request has {MAX_MESSAGE_BYTES:,} at most")
    name, tree = decode_tree(record.value, record.schema)
    kind = _KINDS.get(name)
    if kind is None:
        raise Poison(f"is a {name}, which is no identity request")
    try:
        request = build_value(kind, tree)
    except Rejected as refusal:
        raise Poison(str(refusal)) from None
    if isinstance(request, ClaimIdentifiers | FindMember) and not (
        0 <= request.index < len(request.identifiers)
    ):
        raise Poison(f"has index {request.index} where {len(request.identifiers)} identifiers are")
    record.check_key(request_key(request))
    _check_request(request)
    return request


def _check_request(request: IdentityRequest) -> None:
    """Raises Poison for a request that could be granted, but neither answered nor stored."""
    check_issued_at(request.issued_at)
    identifiers = _request_identifiers(request)
    if len(identifiers) > MAX_IDENTIFIERS:
        raise Poison(f"has {len(identifiers):,} identifiers; a request has {MAX_IDENTIFIERS} at most")
    for each in identifiers:
        key = identifier_key(request.store, each)
        if "\x00" in key:
            # A zero byte ends an owner's name in the tables: such an entry could not be restored.
            raise Poison(f"has the {each.kind} {quote_text(each.value)}, which holds a zero byte")
        if len(key.encode()) > MAX_KEY_BYTES:
            raise Poison(f"has a key of {len(key.encode()):,} bytes; one has {MAX_KEY_BYTES:,} at most")


def _request_identifiers(request: IdentityRequest) -> tuple[Identifier, ...]:
    """All identifiers of the request, those to be handled later included."""
    match request:
        case ClaimIdentifiers() | FindMember():
            return request.identifiers
        case ReleaseIdentifier() | ReserveDocument():
            return (request.identifier,)
        case AddressedCommand():
            return (request.identifier, *request.otherwise)


def _find_member(turn: StageContext, store: str, identifier: Identifier) -> Known | None:
    """The member who has the identifier, or None. Placeholders find no member, though an older release may
    have stored them."""
    if is_junk(identifier):
        return None
    state: OwnerState = turn.tables.of(identifier_key(store, identifier))
    return state.get(Known)


def _send_request(turn: StageContext, request: IdentityRequest) -> None:
    turn.send(IDENTITY_REQUESTS, request_key(request), request)


def _release_granted(turn: StageContext, request: ClaimIdentifiers) -> None:
    """Releases the identifiers that were granted for a claim that failed."""
    for identifier in request.identifiers[: request.index]:
        _send_request(
            turn,
            ReleaseIdentifier(
                store=request.store,
                member_id=request.member_id,
                issued_at=request.issued_at,
                identifier=identifier,
            ),
        )


def _answer_claim(turn: StageContext, request: ClaimIdentifiers, taken: Identifier | None) -> None:
    answer = AnswerClaim(
        command_id=request.command_id,
        store=request.store,
        member_id=request.member_id,
        issued_at=request.issued_at,
        taken=taken,
    )
    turn.send(COMMANDS, owner_of(request.store, request.member_id), answer)


def _addressed_command(request: AddressedCommand) -> Command:
    if len(request.command) > MAX_COMMAND_BYTES:
        raise Poison(f"holds {len(request.command):,} bytes; a command has {MAX_COMMAND_BYTES:,} at most")
    name, tree = decode_tree(request.command, request.schema)
    kind = COMMANDS_BY_NAME.get(name)
    if kind is None or not issubclass(kind, Command) or kind not in get_args(MemberCommand):
        raise Poison(f"holds a {name}, which is no command to a member")
    try:
        command: Command = build_value(kind, tree)
    except Rejected as refusal:
        raise Poison(str(refusal)) from None
    if not is_in_range(command.issued_at):
        raise Poison(f"holds a command whose issued_at {command.issued_at} {INSTANT_RANGE}")
    if command.store != request.store:
        raise Poison(f"holds a command for store {command.store!r} where {request.store!r} belongs")
    return command


def _reject_unknown(command: Command, request: AddressedCommand, now: datetime) -> CommandRejected:
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

"""Claims identifiers for commands, and queues commands until the claim is answered.

Identifiers are stored on other partitions than their members. A command that needs identifiers is kept until
the identity stage has answered; later commands of the same member are queued behind it, because a member's
commands are decided in order.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from streams.codec.avro import HEADER, encode
from streams.domain import identifiers
from streams.domain.commands import (
    ConfirmChange,
    RecordTransaction,
    RegisterMember,
    RegisterTransaction,
    SignUpMember,
    UpdateMember,
)
from streams.domain.document import document_identifier, is_recorded
from streams.domain.event_context import EventContext
from streams.domain.member import confirmed_profile
from streams.domain.messages import AnyCommand, ClaimIdentifiers, ReleaseIdentifier, ReserveDocument
from streams.domain.state import Claim, Drop, Member, Waiting
from streams.domain.store import StoreSettings
from streams.domain.values import Identifier, Profile
from streams.errors import Rejected
from streams.stages.context import Record, StageContext
from streams.tables.owner_entries import OwnerState
from streams.topics import COMMANDS


class WaitingCommand(NamedTuple):
    """A command that has waited, as its record was, and the time for which it is decided."""

    schema: str
    command: bytes
    decided_at: datetime

    def record(self, turn: StageContext, owner: str) -> Record:
        """Its record. The offset is that of the answer that it waited for."""
        offset = turn.record.offset if turn.record else -1
        headers = {HEADER: self.schema.encode()}
        return Record(COMMANDS.name, turn.partition, offset, owner.encode(), self.command, headers)


def identifiers_to_claim(
    state: OwnerState,
    command: AnyCommand,
    now: datetime,
    settings: Callable[[AnyCommand], StoreSettings],
) -> tuple[Identifier, ...]:
    """Identifiers that the member would gain by `command`, in their former forms too, as another member may
    still be stored under those. Raises Rejected as the command would."""
    match command:
        case RegisterTransaction() | RecordTransaction():
            return (document_identifier(command.store, command),)
        case RegisterMember() | SignUpMember() | UpdateMember():
            profile = command.profile
        case ConfirmChange():
            decision = EventContext(
                cause_id=command.command_id, store=command.store, member_id=command.member_id, now=now
            )
            said = confirmed_profile(state, command, decision)
            if said is None:
                return ()
            profile = said
        case _:
            return ()
    member = state.get(Member)
    before = member.profile if member else Profile()
    return identifiers.claimed(profile, settings(command).identifier_rules, before)


def _current_identifiers(state: OwnerState) -> set[Identifier]:
    member = state.get(Member)
    return set(identifiers.of(member.profile)) if member else set()


def is_claim_sufficient(
    state: OwnerState, concluded: Claim, command: AnyCommand, settings: Callable[[AnyCommand], StoreSettings]
) -> bool:
    """Whether the claim covers all identifiers that the command needs: the store's rules may have changed
    meanwhile."""
    try:
        needed = identifiers_to_claim(state, command, concluded.decided_at, settings)
    except Rejected:
        # The rejection is sent when the command is decided.
        return True
    return set(needed) <= set(concluded.identifiers)


def identifiers_to_release(before: Member | None, after: Member | None) -> Iterator[Identifier]:
    """Identifiers that the member had before and does not have any more."""
    if before is not None and after is not None and before is not after:
        kept = set(identifiers.of(after.profile))
        yield from (each for each in identifiers.known_by(before.profile) if each not in kept)


def unused_identifiers(state: OwnerState, concluded: Claim, command: AnyCommand) -> Iterator[Identifier]:
    """Identifiers that were claimed for a command, but do not belong to the member after it."""
    kept = _current_identifiers(state)
    if isinstance(command, RegisterTransaction | RecordTransaction) and is_recorded(state, command):
        kept.add(document_identifier(command.store, command))
    return (each for each in concluded.identifiers if each not in kept)


def claim_identifiers(
    state: OwnerState, command: AnyCommand, identifiers_to_claim: tuple[Identifier, ...], now: datetime
) -> ClaimIdentifiers:
    """Stores the command and returns the request for the identity stage."""
    value, schema = encode(command)
    state.apply(
        Claim(
            schema=schema,
            command=value,
            command_id=command.command_id,
            decided_at=now,
            identifiers=identifiers_to_claim,
        )
    )
    return ClaimIdentifiers(
        command_id=command.command_id,
        store=command.store,
        member_id=command.member_id,
        issued_at=command.issued_at,
        identifiers=identifiers_to_claim,
    )


def reserve_document(command: RegisterTransaction | RecordTransaction) -> ReserveDocument:
    return ReserveDocument(
        store=command.store,
        member_id=command.member_id,
        issued_at=command.issued_at,
        identifier=document_identifier(command.store, command),
    )


def release_identifier(command: AnyCommand, identifier: Identifier) -> ReleaseIdentifier:
    return ReleaseIdentifier(
        store=command.store,
        member_id=command.member_id,
        issued_at=command.issued_at,
        identifier=identifier,
    )


def queue_command(state: OwnerState, under_way: Claim, command: AnyCommand, now: datetime) -> None:
    """Queues a command behind the one whose claim is under way."""
    value, schema = encode(command)
    state.apply(Waiting(number=under_way.waiting, schema=schema, command=value, decided_at=now))
    state.apply(replace(under_way, waiting=under_way.waiting + 1))


def end_claim(state: OwnerState, under_way: Claim) -> tuple[WaitingCommand, list[WaitingCommand]]:
    """Ends the claim. Returns the command that it was for, and the commands queued behind it in their
    order."""
    waiting = list(state.scan(Waiting))
    for entry in (under_way, *waiting):
        state.apply(Drop(entry=entry))
    first = WaitingCommand(under_way.schema, under_way.command, under_way.decided_at)
    return first, [WaitingCommand(w.schema, w.command, w.decided_at) for w in waiting]


def taken_refusal(command: AnyCommand, taken: Identifier) -> Rejected:
    """Why the command is refused whose claim met another owner's."""
    if isinstance(command, RegisterTransaction | RecordTransaction):
        what = "return" if command.document_type == "return" else "purchase"
        reason = f"is already registered in store {command.store!r}, as another {what}"
        return Rejected("document_number", command.document_number, reason)
    field = next(name for kind, name in identifiers.FIELDS.items() if kind == taken.kind)
    return Rejected(f"profile.{field}", taken.value, "is another member's already")

"""Records that a decision sends besides webhook events: rejections, and requests to the identity stage."""

from collections.abc import Callable, Iterable

from streams.domain.commands import AssignTransaction, Command, RecordTransaction
from streams.domain.document import search_identifiers
from streams.domain.messages import AnyCommand, FindMember
from streams.domain.state import Document
from streams.domain.store import StoreSettings
from streams.domain.values import Identifier
from streams.errors import Rejected
from streams.rejections import rejection
from streams.stages.commands import owner_of
from streams.stages.context import StageContext
from streams.stages.identifier_reservations import release_identifier
from streams.stages.identity import request_key
from streams.tables.owner_entries import OwnerState
from streams.topics import IDENTITY_REQUESTS, REJECTIONS


def send_rejection(turn: StageContext, command: Command, name: str, refusal: Rejected) -> None:
    """`name` is the type of the command that its sender knows."""
    owner = owner_of(command.store, command.member_id)
    turn.send_to_same_partition(REJECTIONS, owner, rejection(command, name, refusal, turn.now))


def search_member(
    turn: StageContext,
    state: OwnerState,
    command: AnyCommand,
    settings: Callable[[AnyCommand], StoreSettings],
) -> None:
    """Asks the identity stage whose transaction it is, once it is recorded or if it is to be matched by an
    identifier."""
    if not isinstance(command, RecordTransaction | AssignTransaction):
        return
    document = state.get(Document)
    identifiers = search_identifiers(command, settings(command))
    if document and identifiers and not document.to_member:
        request = FindMember(
            command_id=command.command_id,
            store=command.store,
            asker=command.member_id,
            issued_at=command.issued_at,
            by_hand=isinstance(command, AssignTransaction),
            identifiers=identifiers,
        )
        turn.send(IDENTITY_REQUESTS, request_key(request), request)


def release_identifiers(turn: StageContext, command: AnyCommand, identifiers: Iterable[Identifier]) -> None:
    for identifier in identifiers:
        request = release_identifier(command, identifier)
        turn.send(IDENTITY_REQUESTS, request_key(request), request)

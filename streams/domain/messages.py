"""Messages between owners: commands that follow from facts, on the topic `commands`.

Each is written in the transaction of the fact that it follows from, so exactly once, and is handled by its
addressee's partition like any other command. Its `command_id` is that of the producer's command that started
the process. Producers do not send messages.
"""

from decimal import Decimal

from streams.domain.commands import Command, DocumentCommand, MemberCommand
from streams.domain.values import Code, DocumentType, Draw, Identifier, Instant, Item, Text, Uuid, Value


class TakeTransaction(Command):
    """Document to member: take the transaction. A rejection is sent to `document_id`."""

    document_id: Uuid
    transaction_id: Uuid
    document_number: Text
    document_type: DocumentType
    purchased_at: Instant
    gross_value: Decimal
    items: tuple[Item, ...]
    channel_id: Uuid | None
    by_hand: bool
    """Whether a command requested this match, whose sender must get a rejection."""
    linked_document_number: Text | None = None


class ReturnTransaction(Command):
    """Member to document: the transaction was rejected, for that reason."""

    by_hand: bool
    document_number: Text
    to_member: Uuid
    field: Text
    value: str
    reason: str


class OfferUnits(Command):
    """Sender to receiver: take these units if you can."""

    transfer_id: Uuid
    sender_id: Uuid
    wallet: Code
    draws: tuple[Draw, ...]
    comment: Text | None


class AcceptUnits(Command):
    """Receiver to sender: the units were taken."""

    transfer_id: Uuid


class RefuseUnits(Command):
    """Receiver to sender: the units were rejected, for that reason."""

    transfer_id: Uuid
    field: Text
    value: str
    reason: str


class EraseDocument(Command):
    """Member to document: the buyer was erased."""


class AnswerClaim(Command):
    """Identity stage to member: the claimed identifiers are granted, or `taken` belongs to another member."""

    taken: Identifier | None = None


class AnswerSearch(Command):
    """Identity stage to document: the member who was found, or None."""

    by_hand: bool
    found: Uuid | None = None


Message = (
    TakeTransaction
    | ReturnTransaction
    | EraseDocument
    | OfferUnits
    | AcceptUnits
    | RefuseUnits
    | AnswerClaim
    | AnswerSearch
)
AnyCommand = MemberCommand | DocumentCommand | Message
"""Everything on the topic `commands` about one owner: a closed set, which `decide` matches exhaustively."""


class ClaimIdentifiers(Value):
    """Member to identity stage: claim `identifiers` from `index` on for `member_id`, one by one.

    They are sorted, so that of two members who claim the same identifiers one gets all of them.
    """

    command_id: Uuid
    store: Code
    member_id: Uuid
    issued_at: Instant
    identifiers: tuple[Identifier, ...]
    index: int = 0


class ReleaseIdentifier(Value):
    """Release an identifier that the member does not have any more."""

    store: Code
    member_id: Uuid
    issued_at: Instant
    identifier: Identifier


class ReserveDocument(Value):
    """Owner to identity stage: `identifier` belongs to a transaction that was recorded while history was
    played, where nothing waits for an answer. The first owner keeps it."""

    store: Code
    member_id: Uuid
    issued_at: Instant
    identifier: Identifier


class FindMember(Value):
    """Find the member of the first of `identifiers`, from `index` on, that belongs to a member."""

    command_id: Uuid
    store: Code
    asker: Uuid
    issued_at: Instant
    by_hand: bool
    identifiers: tuple[Identifier, ...]
    index: int = 0


class AddressedCommand(Value):
    """A command addressed by identifier: to the member of `identifier`, or of the first of `otherwise` that
    belongs to a member. The member's id is filled into `command`.

    `schema` is the header that the command's own record would have. If no member is found, the command is
    rejected with the member id that it had.
    """

    store: Code
    identifier: Identifier
    issued_at: Instant
    schema: Text
    command: bytes
    otherwise: tuple[Identifier, ...] = ()


IdentityRequest = ClaimIdentifiers | ReleaseIdentifier | ReserveDocument | FindMember | AddressedCommand

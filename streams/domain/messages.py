"""What owners tell one another: commands that follow from facts, on the topic of commands.

Each is written in the transaction of the fact that it follows from, so that it is told once, and is handled
by its addressee's partition like any other command. Its `command_id` is that of the producer's command that
began it all. Producers do not send these.
"""

from decimal import Decimal

from streams.domain.commands import Command, DocumentCommand, MemberCommand
from streams.domain.values import Code, DocumentType, Draw, Identifier, Instant, Item, Text, Uuid, Value


class TakeTransaction(Command):
    """Document to member: the transaction is yours. `document_id` hears of a refusal."""

    document_id: Uuid
    transaction_id: Uuid
    document_number: Text
    document_type: DocumentType
    purchased_at: Instant
    gross_value: Decimal
    items: tuple[Item, ...]
    channel_id: Uuid | None
    by_hand: bool
    """Whether somebody asked for this match, and is to hear of a refusal."""
    linked_document_number: Text | None = None


class ReturnTransaction(Command):
    """Member to document: the transaction was refused, for that reason."""

    by_hand: bool
    document_number: Text
    to_member: Uuid
    field: Text
    value: str
    reason: str


class OfferUnits(Command):
    """Sender to receiver: these units are yours, if you can take them."""

    transfer_id: Uuid
    sender_id: Uuid
    wallet: Code
    draws: tuple[Draw, ...]
    comment: Text | None


class AcceptUnits(Command):
    """Receiver to sender: the units are mine."""

    transfer_id: Uuid


class RefuseUnits(Command):
    """Receiver to sender: the units stay yours, for that reason."""

    transfer_id: Uuid
    field: Text
    value: str
    reason: str


class EraseDocument(Command):
    """Member to document: I am erased, and so is whoever bought this."""


class AnswerClaim(Command):
    """Identity stage to member: the identifiers that the command needs are yours, or one of them is taken."""

    taken: Identifier | None = None


class AnswerSearch(Command):
    """Identity stage to document: who was found, if anybody."""

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
"""All that stands on the topic of commands about one owner: a closed set, matched in `decide`."""


class ClaimIdentifiers(Value):
    """Member to identity stage: `identifiers` from `index` on are wanted for `member_id`, one by one.

    They come in their sorted order, so that of two members who want the same several, one gets them all.
    """

    command_id: Uuid
    store: Code
    member_id: Uuid
    issued_at: Instant
    identifiers: tuple[Identifier, ...]
    index: int = 0


class ReleaseIdentifier(Value):
    """The member is not known by it any more."""

    store: Code
    member_id: Uuid
    issued_at: Instant
    identifier: Identifier


class FindMember(Value):
    """Who is known by the first of `identifiers`, from `index` on, that anybody is known by?"""

    command_id: Uuid
    store: Code
    asker: Uuid
    issued_at: Instant
    by_hand: bool
    identifiers: tuple[Identifier, ...]
    index: int = 0


class AddressedCommand(Value):
    """A command for whoever is known by `identifier`, or else by the first of `otherwise` that is anybody's:
    the member's id in `command` is filled in.

    `schema` is the header that the command's own record would have. Where nobody is known by them, the
    command is refused, and the refusal's member is the id that was in the command.
    """

    store: Code
    identifier: Identifier
    issued_at: Instant
    schema: Text
    command: bytes
    otherwise: tuple[Identifier, ...] = ()


IdentityRequest = ClaimIdentifiers | ReleaseIdentifier | FindMember | AddressedCommand

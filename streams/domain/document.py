"""Rules of transactions: recorded for a known member, or as documents that are matched to a member later."""

from collections.abc import Iterator
from decimal import Decimal

from streams.domain import identifiers, returns
from streams.domain.commands import (
    AssignTransaction,
    ChangeTransactionLabels,
    RecordTransaction,
    RegisterTransaction,
)
from streams.domain.event_context import EventContext
from streams.domain.events import (
    DocumentErased,
    Event,
    TransactionAssigned,
    TransactionLabelsChanged,
    TransactionMatched,
    TransactionRecorded,
    TransactionUnmatched,
)
from streams.domain.ids import document_id
from streams.domain.member import require_active_member
from streams.domain.messages import AnswerSearch, EraseDocument, ReturnTransaction, TakeTransaction
from streams.domain.state import Document, State, Transaction, TransactionDetails, transaction_key
from streams.domain.store import StoreSettings
from streams.domain.values import MAX_AMOUNT, DocumentType, Identifier, is_amount
from streams.errors import Poison, Rejected

NO_MEMBER_FOUND = "is not matched: nobody in the store is known by the identifier that was given"
MAX_LABELS = 100
RecordingCommand = RegisterTransaction | RecordTransaction


def register_transaction(
    state: State, command: RegisterTransaction, context: EventContext
) -> Iterator[Event]:
    require_active_member(state, context)
    _require_unknown(state, command.document_number, command.document_type)
    transaction_id = context.id("transaction")
    recorded = _recorded_event(command, transaction_id, context)
    returns.require_returnable(state, command, recorded.gross_value)
    yield recorded
    yield _assigned_event(command, transaction_id, recorded.gross_value, context)


def find_transaction(state: State, document_number: str, document_type: DocumentType) -> Transaction | None:
    """The member's transaction of that number and type. A purchase and a return may share a number."""
    returned = document_type == "return"
    for apart in (False, True):
        found = state.get(Transaction, transaction_key(document_number, apart=apart))
        if found and found.returned == returned:
            return found
    return None


def _require_unknown(state: State, document_number: str, document_type: DocumentType) -> None:
    earlier = find_transaction(state, document_number, document_type)
    if earlier:
        raise Rejected(
            "document_number",
            document_number,
            f"is already registered, as transaction {earlier.transaction_id}",
        )


def _recorded_event(
    command: RecordingCommand, transaction_id: str, context: EventContext
) -> TransactionRecorded:
    return TransactionRecorded(
        **context.stamp("TransactionRecorded"),
        transaction_id=transaction_id,
        document_number=command.document_number,
        document_type=command.document_type,
        purchased_at=command.purchased_at,
        gross_value=_gross_value(command),
        items=command.items,
        buyer=command.buyer,
        channel_id=command.channel_id,
        linked_document_number=command.linked_document_number,
        purchase_place=command.purchase_place,
        labels=command.labels,
    )


def _assigned_event(
    told: RegisterTransaction | TakeTransaction,
    transaction_id: str,
    gross_value: Decimal,
    context: EventContext,
) -> TransactionAssigned:
    return TransactionAssigned(
        **context.stamp("TransactionAssigned"),
        transaction_id=transaction_id,
        document_number=told.document_number,
        gross_value=gross_value,
        document_type=told.document_type,
        linked_document_number=told.linked_document_number,
        totals=returns.sku_totals(told.items),
    )


def _gross_value(command: RecordingCommand) -> Decimal:
    if not command.items:
        raise Rejected("items", [], "must hold at least one item")
    for index, item in enumerate(command.items):
        if not is_amount(item.gross_value):
            raise Rejected(
                f"items[{index}].gross_value",
                str(item.gross_value),
                f"must lie between 0 and {MAX_AMOUNT}, with at most six decimals",
            )
        exact = item.high_precision_quantity
        if exact is not None and not (is_amount(exact) and exact > 0):
            raise Rejected(
                f"items[{index}].high_precision_quantity",
                str(exact),
                f"must be more than 0 and at most {MAX_AMOUNT}, with at most six decimals",
            )
    gross = sum((item.gross_value for item in command.items), Decimal(0))
    if gross > MAX_AMOUNT:
        raise Rejected("items", str(gross), f"sum to more than {MAX_AMOUNT}")
    return gross


def record_transaction(
    state: State, command: RecordTransaction, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    """Records a transaction as a document, which is its own owner; its member is searched by the buyer's
    data.

    Unreadable identifiers are rejected: they would match no member, and the purchase would be lost for the
    member who was meant."""
    _require_own_id(command, context)
    search_identifiers(command, store)
    earlier = state.get(Document)
    if earlier:
        raise Rejected(
            "document_number",
            command.document_number,
            f"is already registered, as transaction {earlier.transaction_id}",
        )
    yield _recorded_event(command, context.member_id, context)


def assign_transaction(
    state: State, command: AssignTransaction, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    """Matches at once if the member's id is given; otherwise the identity stage searches."""
    document = _require_unmatched(state, command, context)
    given = [f for f in ("to_member", *identifiers.FIELDS.values()) if getattr(command, f)]
    if len(given) != 1:
        raise Rejected(
            "to_member", given, "must be given alone, or loyalty_card_number, or phone, or email instead"
        )
    search_identifiers(command, store)
    if command.to_member:
        yield _matched_event(document, command.to_member, context, by_hand=True)


def search_identifiers(
    command: RecordTransaction | AssignTransaction, store: StoreSettings
) -> tuple[Identifier, ...]:
    """The identifiers to search the document's member by, the strongest first. Raises Rejected."""
    rules = store.identifier_rules
    if isinstance(command, AssignTransaction):
        return identifiers.looked_for(command, rules, "")
    return identifiers.looked_for(command.buyer, rules, "buyer.") if command.buyer else ()


def apply_search_answer(state: State, message: AnswerSearch, context: EventContext) -> Iterator[Event]:
    """Matches the document to the member that was found, unless it has been matched meanwhile."""
    document = _own_document(state, context)
    if message.by_hand and (document.to_member or not message.found):
        reason = (
            f"is matched already, to member {document.to_member}" if document.to_member else NO_MEMBER_FOUND
        )
        raise Rejected("document_number", document.document_number, reason)
    if message.found and not document.to_member:
        yield _matched_event(document, message.found, context, by_hand=message.by_hand)


def _matched_event(
    document: Document, to_member: str, context: EventContext, *, by_hand: bool
) -> TransactionMatched:
    return TransactionMatched(
        **context.stamp("TransactionMatched"),
        transaction_id=document.transaction_id,
        document_number=document.document_number,
        to_member=to_member,
        by_hand=by_hand,
    )


def take_transaction(state: State, message: TakeTransaction, context: EventContext) -> Iterator[Event]:
    """Assigns a matched transaction to the member."""
    require_active_member(state, context)
    _require_unknown(state, message.document_number, message.document_type)
    returns.require_returnable(state, message, message.gross_value)
    yield _assigned_event(message, message.transaction_id, message.gross_value, context)


def return_transaction(state: State, message: ReturnTransaction, context: EventContext) -> Iterator[Event]:
    document = _own_document(state, context)
    if document.to_member != message.to_member:
        raise Poison(f"returns document {context.member_id}, which is not with member {message.to_member}")
    yield TransactionUnmatched(
        **context.stamp("TransactionUnmatched"),
        transaction_id=document.transaction_id,
        document_number=message.document_number,
        to_member=message.to_member,
        by_hand=message.by_hand,
        field=message.field,
        value=message.value,
        reason=message.reason,
    )


def erase_document(state: State, message: EraseDocument, context: EventContext) -> Iterator[Event]:  # noqa: ARG001
    _own_document(state, context)
    yield DocumentErased(**context.stamp("DocumentErased"))


def change_labels(state: State, command: ChangeTransactionLabels, context: EventContext) -> Iterator[Event]:
    """Nothing happens if the labels are as they shall be already."""
    found = state.get(Document) or state.get(TransactionDetails, command.transaction_id.encode())
    if found is None or found.transaction_id != command.transaction_id:
        raise Rejected("transaction_id", command.transaction_id, "is no transaction of this member")
    added = {label.key: label for label in command.added}
    kept = {
        label.key: label for label in found.labels if label not in command.removed and label.key not in added
    }
    labels = (*kept.values(), *added.values())
    if len(labels) > MAX_LABELS:
        raise Rejected(
            "labels", str(len(labels)), f"are more than the {MAX_LABELS} that a transaction may have"
        )
    if labels != found.labels:
        yield TransactionLabelsChanged(
            **context.stamp("TransactionLabelsChanged"), transaction_id=found.transaction_id, labels=labels
        )


def document_identifier(store: str, command: RecordingCommand) -> Identifier:
    """What the transaction's document number reserves, for its type, in the whole store."""
    value = document_id(store, command.document_number, command.document_type)
    return Identifier(kind="document", value=value)


def is_recorded(state: State, command: RecordingCommand) -> bool:
    if isinstance(command, RecordTransaction):
        return state.get(Document) is not None
    return find_transaction(state, command.document_number, command.document_type) is not None


def has_document(store: str, bought: Transaction) -> bool:
    """Whether the transaction was recorded as a document, and not for a known member."""
    return bought.transaction_id in document_ids(
        store, bought.document_number, "return" if bought.returned else "sell"
    )


def document_ids(store: str, document_number: str, document_type: DocumentType) -> tuple[str, ...]:
    """The ids that the document may have: before returns had ids of their own, they had the purchase's."""
    return tuple(
        {document_id(store, document_number, document_type): None, document_id(store, document_number): None}
    )


def _own_document(state: State, context: EventContext) -> Document:
    document = state.get(Document)
    if document is None:
        raise Poison(f"is about document {context.member_id}, which is not there")
    return document


def _require_own_id(command: RecordTransaction | AssignTransaction, context: EventContext) -> None:
    # AssignTransaction does not say whether it is a purchase or a return.
    kind = command.document_type if isinstance(command, RecordTransaction) else "return"
    own = document_ids(context.store, command.document_number, kind)
    if context.member_id not in own:
        raise Rejected("member_id", context.member_id, f"must be {own[0]}, the document's own id")


def _require_unmatched(state: State, command: AssignTransaction, context: EventContext) -> Document:
    _require_own_id(command, context)
    document = state.get(Document)
    if document is None:
        raise Rejected("document_number", command.document_number, f"is unknown in store {context.store!r}")
    if document.to_member:
        raise Rejected(
            "document_number", command.document_number, f"is matched already, to member {document.to_member}"
        )
    return document

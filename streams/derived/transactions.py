"""From facts about transactions to webhook events."""

from collections.abc import Iterator

from streams.domain.events import TransactionAssigned, TransactionRecorded
from streams.domain.state import State
from streams.domain.store import StoreSettings
from streams.webhooks.derivation import derives
from streams.webhooks.event_header import customer, webhook_event_header
from streams.webhooks.events import TransactionAssignedToCustomer, TransactionRegistered


@derives(TransactionRecorded)
def transaction_registered(
    event: TransactionRecorded, _: State, __: StoreSettings
) -> Iterator[TransactionRegistered]:
    yield TransactionRegistered(
        **webhook_event_header(event, "TransactionRegistered"),
        transaction_id=event.transaction_id,
        document_number=event.document_number,
        document_type=event.document_type,
        purchased_at=event.purchased_at,
        items=event.items,
        buyer=event.buyer,
        channel_id=event.channel_id,
    )


@derives(TransactionAssigned)
def transaction_assigned(
    event: TransactionAssigned, state: State, _: StoreSettings
) -> Iterator[TransactionAssignedToCustomer]:
    yield TransactionAssignedToCustomer(
        **webhook_event_header(event, "TransactionAssignedToCustomer"),
        transaction_id=event.transaction_id,
        gross_value=event.gross_value,
        customer=customer(state, event.member_id),
    )

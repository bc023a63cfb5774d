"""Bodies of the webhooks about transactions."""

from streams.domain.values import plain_decimal
from streams.webhooks.catalogue import webhook
from streams.webhooks.events import TransactionAssignedToCustomer, TransactionRegistered
from streams.webhooks.legacy_shapes import OldAssigned, OldTransaction
from streams.webhooks.parts import buyer, customer, iso_instant, item
from streams.webhooks.shapes import TransactionAssignedBody, TransactionRegisteredBody


def _legacy_registered(event: TransactionRegistered) -> OldTransaction:
    return {
        "transactionId": event.transaction_id,
        "transactionData": {
            "documentType": event.document_type,
            "documentNumber": event.document_number,
            "purchasePlace": None,
            "purchaseDate": iso_instant(event.purchased_at),
        },
        "customerData": buyer(event.buyer),
        "items": [item(line) for line in event.items],
        "posId": event.channel_id,
    }


@webhook(
    TransactionRegistered,
    legacy_type="transaction.registered",
    legacy=_legacy_registered,
    triggers=(
        "A transaction is created in the panel.",
        "A transaction is created through the API: POST /api/{storeCode}/transaction.",
        "Transactions are imported.",
    ),
)
def transaction_registered(event: TransactionRegistered) -> TransactionRegisteredBody:
    """A transaction was created, in the panel, through the API or by an import."""
    return {
        "transactionId": event.transaction_id,
        "documentNumber": event.document_number,
        "purchasedAt": iso_instant(event.purchased_at),
        "documentType": event.document_type,
        "customerData": buyer(event.buyer),
        "items": [item(line) for line in event.items],
        "channelId": event.channel_id,
    }


def _legacy_assigned(event: TransactionAssignedToCustomer) -> OldAssigned:
    return {
        "transactionId": event.transaction_id,
        "customerId": event.member_id,
        "grossValue": plain_decimal(event.gross_value),
    }


@webhook(
    TransactionAssignedToCustomer,
    legacy_type="transaction.assigned_to_customer",
    legacy=_legacy_assigned,
    triggers=(
        "A transaction is matched to a member by hand, in the panel.",
        "A transaction is matched to a member through the API: POST /api/{storeCode}/transaction/assign.",
        "Matches are imported.",
        "A transaction's own customer data names a member: by card number, then phone, then e-mail.",
    ),
)
def transaction_assigned_to_customer(event: TransactionAssignedToCustomer) -> TransactionAssignedBody:
    """A transaction was matched to a member: by hand, through the API, by an import or by its own data."""
    return {
        "transactionId": event.transaction_id,
        "grossValue": plain_decimal(event.gross_value),
        "customer": customer(event.customer),
    }

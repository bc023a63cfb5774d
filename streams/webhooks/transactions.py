"""Bodies of the webhooks about transactions."""

from streams.domain.values import plain
from streams.webhooks.catalogue import Body, webhook
from streams.webhooks.events import TransactionAssignedToCustomer, TransactionRegistered
from streams.webhooks.parts import address, customer, item, moment


def _legacy_registered(event: TransactionRegistered) -> Body:
    return {
        "transactionId": event.transaction_id,
        "transactionData": {
            "documentType": event.document_type,
            "documentNumber": event.document_number,
            "purchasePlace": None,
            "purchaseDate": moment(event.purchased_at),
        },
        "customerData": _buyer(event),
        "items": [item(line) for line in event.items],
        "posId": event.channel_id,
    }


@webhook(TransactionRegistered, legacy=_legacy_registered)
def transaction_registered(event: TransactionRegistered) -> Body:
    """A transaction was created, in the panel, through the API or by an import."""
    return {
        "transactionId": event.transaction_id,
        "documentNumber": event.document_number,
        "purchasedAt": moment(event.purchased_at),
        "documentType": event.document_type,
        "customerData": _buyer(event),
        "items": [item(line) for line in event.items],
        "channelId": event.channel_id,
    }


def _buyer(event: TransactionRegistered) -> Body | None:
    buyer = event.buyer
    if buyer is None:
        return None
    return {
        "email": buyer.email,
        "name": buyer.name,
        "nip": buyer.nip,
        "phone": buyer.phone,
        "loyaltyCardNumber": buyer.loyalty_card_number,
        "address": address(buyer.address),
    }


def _legacy_assigned(event: TransactionAssignedToCustomer) -> Body:
    return {
        "transactionId": event.transaction_id,
        "customerId": event.member_id,
        "grossValue": plain(event.gross_value),
    }


@webhook(TransactionAssignedToCustomer, legacy=_legacy_assigned)
def transaction_assigned_to_customer(event: TransactionAssignedToCustomer) -> Body:
    """A transaction was matched to a member: by hand, through the API, by an import or by its own data."""
    return {
        "transactionId": event.transaction_id,
        "grossValue": plain(event.gross_value),
        "customer": customer(event.customer),
    }

"""The header and the customer of webhook events."""

from datetime import datetime
from typing import TypedDict

from streams.domain.events import Fact
from streams.domain.ids import derived_id
from streams.domain.state import Member, State
from streams.webhooks.events import Customer


class WebhookEventHeader(TypedDict):
    webhook_event_id: str
    event_id: str
    store: str
    member_id: str
    created_at: datetime


def webhook_event_header(event: Fact, name: str) -> WebhookEventHeader:
    return {
        "webhook_event_id": derived_id(event.event_id, name),
        "event_id": event.event_id,
        "store": event.store,
        "member_id": event.member_id,
        "created_at": event.occurred_at,
    }


def customer(state: State, member_id: str) -> Customer:
    """The member's current contact details."""
    member = state.get(Member)
    if member is None:
        raise LookupError(f"member {member_id} has facts but no account")
    who = member.profile
    return Customer(
        customer_id=member_id,
        email=who.email,
        phone=who.phone,
        loyalty_card_number=who.loyalty_card_number,
        first_name=who.first_name,
        last_name=who.last_name,
    )

"""Which facts trigger campaigns, and what campaigns see of them."""

from datetime import datetime

from streams.domain.commands import RegisterTransaction
from streams.domain.conditions import CampaignTrigger
from streams.domain.events import (
    CustomEventRecorded,
    Event,
    MemberActivated,
    MemberRegistered,
    TransactionAssigned,
)
from streams.domain.messages import AnyCommand, TakeTransaction
from streams.domain.state import Member, State
from streams.domain.values import Trigger


def campaign_trigger(event: Event, command: AnyCommand, state: State) -> CampaignTrigger | None:
    """The campaign trigger of `event`, or None; `state` is the state after it.

    A transaction triggers campaigns once it is assigned to a member; a sign-up does once the account is
    active."""
    match event:
        case TransactionAssigned() if isinstance(command, RegisterTransaction | TakeTransaction):
            return _transaction_trigger(event, command)
        case CustomEventRecorded():
            return CampaignTrigger(
                trigger=Trigger(
                    type="custom_event",
                    trigger_id=event.custom_event_id,
                    created_at=event.occurred_at,
                    performed_at=event.happened_at,
                    event_name=event.custom_event_type,
                ),
                happened_at=event.happened_at,
                attributes=event.attributes,
            )
        case MemberRegistered():
            return _registration_trigger(event, event.registered_at)
        case MemberActivated() if event.first:
            member = state.get(Member)
            return _registration_trigger(event, member.registered_at if member else event.occurred_at)
        case _:
            return None


def _registration_trigger(
    event: MemberRegistered | MemberActivated, registered_at: datetime
) -> CampaignTrigger:
    return CampaignTrigger(
        trigger=Trigger(
            type="internal_event",
            trigger_id=event.event_id,
            created_at=event.occurred_at,
            event_name="CustomerRegistered",
        ),
        happened_at=registered_at,
    )


def _transaction_trigger(
    event: TransactionAssigned, command: RegisterTransaction | TakeTransaction
) -> CampaignTrigger:
    return CampaignTrigger(
        trigger=Trigger(
            type="transaction" if command.document_type == "sell" else "return_transaction",
            trigger_id=event.transaction_id,
            created_at=event.occurred_at,
            performed_at=command.purchased_at,
            document_number=command.document_number,
        ),
        happened_at=command.purchased_at,
        gross_value=event.gross_value,
        items=command.items,
        linked_document_number=command.linked_document_number,
        channel_id=command.channel_id,
    )

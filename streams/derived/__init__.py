"""From facts to webhook events. Pure: the state is read as it stands after the fact."""

from collections.abc import Iterator
from typing import assert_never

from streams.derived.balance import amount_changed
from streams.derived.expiry import points_will_expire
from streams.derived.head import customer, head
from streams.domain.events import (
    Event,
    MemberRegistered,
    RewardBought,
    TransactionAssigned,
    TransactionRecorded,
    UnitsEarned,
    UnitsExpired,
    UnitsExpiryAnnounced,
    UnitsSpent,
)
from streams.domain.state import State
from streams.domain.store import StoreSettings
from streams.webhooks.events import (
    CustomerBoughtReward,
    CustomerRegistered,
    TransactionAssignedToCustomer,
    TransactionRegistered,
    WebhookEvent,
)


def derive(event: Event, state: State, store: StoreSettings) -> Iterator[WebhookEvent]:
    """The webhook events that tell of `event`, in the order in which they are sent."""
    match event:
        case MemberRegistered():
            yield CustomerRegistered(
                **head(event, "CustomerRegistered"),
                profile=event.profile,
                registered_at=event.registered_at,
            )
        case TransactionRecorded():
            yield TransactionRegistered(
                **head(event, "TransactionRegistered"),
                transaction_id=event.transaction_id,
                document_number=event.document_number,
                document_type=event.document_type,
                purchased_at=event.purchased_at,
                items=event.items,
                buyer=event.buyer,
                channel_id=event.channel_id,
            )
        case TransactionAssigned():
            yield TransactionAssignedToCustomer(
                **head(event, "TransactionAssignedToCustomer"),
                transaction_id=event.transaction_id,
                gross_value=event.gross_value,
                customer=customer(state, event.member_id),
            )
        case UnitsEarned() | UnitsSpent() | UnitsExpired():
            yield amount_changed(event, state, store)
        case UnitsExpiryAnnounced():
            yield points_will_expire(event, state)
        case RewardBought():
            yield _bought(event, state)
        case _:
            assert_never(event)


def _bought(event: RewardBought, state: State) -> CustomerBoughtReward:
    return CustomerBoughtReward(
        **head(event, "CustomerBoughtReward"),
        customer=customer(state, event.member_id),
        issued_reward_id=event.issued_reward_id,
        reward_id=event.reward_id,
        reward_name=event.reward_name,
        reward_type=event.reward_type,
        cost=event.cost,
        coupon=event.coupon,
        cause=event.cause,
    )

"""From facts to webhook events and messages. Pure: the state is read as it stands after the fact."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from streams.derived.balance import available_amount_changed
from streams.derived.customers import member_webhook_events
from streams.derived.event_header import customer, webhook_event_header
from streams.derived.expiry import points_will_expire
from streams.derived.rewards import reward_webhook_events
from streams.domain.events import (
    Event,
    Fact,
    RewardEvent,
    TransactionAssigned,
    TransactionEvent,
    TransactionRecorded,
    UnitsEvent,
    UnitsExpiryAnnounced,
    UnitsHeld,
    UnitsReleased,
)
from streams.domain.state import State
from streams.domain.store import StoreSettings
from streams.webhooks.events import (
    TransactionAssignedToCustomer,
    TransactionRegistered,
    WebhookEvent,
)

F = TypeVar("F", bound=Fact)
DerivationRule = Callable[[F, State, StoreSettings], Iterator[WebhookEvent]]
FURTHER_RULES: defaultdict[type[Fact], list[DerivationRule[Any]]] = defaultdict(list)
"""By kind of fact, rules that were added; filled by `derives`."""


def derives(fact: type[F]) -> Callable[[DerivationRule[F]], DerivationRule[F]]:
    """Enter the decorated function: what it makes of such a fact is told after all that was told before."""

    def entered(rule: DerivationRule[F]) -> DerivationRule[F]:
        FURTHER_RULES[fact].append(rule)
        return rule

    return entered


def derive(event: Event, state: State, store: StoreSettings) -> Iterator[WebhookEvent]:
    """The webhook events that tell of `event`, in the order in which they are sent."""
    yield from _derived(event, state, store)
    for rule in FURTHER_RULES.get(type(event), ()):
        yield from rule(event, state, store)


def _derived(event: Event, state: State, store: StoreSettings) -> Iterator[WebhookEvent]:
    if isinstance(event, UnitsEvent):
        return _of_units(event, state, store)
    if isinstance(event, TransactionEvent):
        return _of_transaction(event, state)
    if isinstance(event, RewardEvent):
        return reward_webhook_events(event, state)
    return member_webhook_events(event, state, store)


def _of_units(event: UnitsEvent, state: State, store: StoreSettings) -> Iterator[WebhookEvent]:
    match event:
        case UnitsExpiryAnnounced():
            yield points_will_expire(event, state)
        case UnitsHeld() | UnitsReleased():
            # A transfer under way is nobody's business before it is done.
            pass
        case _:
            changed = available_amount_changed(event, state, store)
            if changed:
                yield changed


def _of_transaction(event: TransactionEvent, state: State) -> Iterator[WebhookEvent]:
    match event:
        case TransactionRecorded():
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
        case TransactionAssigned():
            yield TransactionAssignedToCustomer(
                **webhook_event_header(event, "TransactionAssignedToCustomer"),
                transaction_id=event.transaction_id,
                gross_value=event.gross_value,
                customer=customer(state, event.member_id),
            )
        case _:
            # The member's side tells of a match.
            pass

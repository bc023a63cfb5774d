"""From facts about accounts, tiers and campaigns to the webhook events about customers."""

from collections.abc import Iterator
from typing import get_args

from msgspec.structs import replace

from streams.domain.events import (
    ActivationCodeIssued,
    CampaignApplied,
    ContactChangeAsked,
    MemberDeactivated,
    MemberEvent,
    MemberRegistered,
    MemberSignedUp,
    MemberUpdated,
    PasswordResetIssued,
    TierChanged,
    TierExpiryAnnounced,
)
from streams.domain.state import State
from streams.domain.store import StoreSettings
from streams.webhooks.derivation import derives
from streams.webhooks.event_header import customer, webhook_event_header
from streams.webhooks.events import (
    CampaignEffectWasApplied,
    CustomerDeactivated,
    CustomerEmailWasChanged,
    CustomerLevelChanged,
    CustomerPhoneNumberWasChanged,
    CustomerRegistered,
    CustomerRequestedPasswordReset,
    CustomerRequestedSendActivationCode,
    CustomerUpdated,
    CustomerWasRegisteredWithoutActivation,
    LevelWillExpire,
    WebhookEvent,
)
from streams.webhooks.parts import midnight


@derives(*get_args(MemberEvent))
def member_webhook_events(event: MemberEvent, state: State, store: StoreSettings) -> Iterator[WebhookEvent]:
    match event:
        case MemberRegistered():
            yield CustomerRegistered(
                **webhook_event_header(event, "CustomerRegistered"),
                profile=event.profile,
                registered_at=event.registered_at,
                birth_date=midnight(event.profile.birth_date, store.calendar),
            )
        case MemberUpdated():
            yield _customer_updated(event, state)
        case MemberDeactivated():
            yield CustomerDeactivated(
                **webhook_event_header(event, "CustomerDeactivated"),
                customer=customer(state, event.member_id),
            )
        case MemberSignedUp() | ActivationCodeIssued() | PasswordResetIssued() | ContactChangeAsked():
            yield _code_webhook_event(event, state)
        case TierChanged():
            # A tier is part of the customer: the original platform sends both webhooks.
            yield _tier_changed(event, state)
            yield _customer_updated(event, state)
        case TierExpiryAnnounced():
            yield _tier_will_expire(event, state)
        case CampaignApplied():
            yield CampaignEffectWasApplied(
                **webhook_event_header(event, "CampaignEffectWasApplied"),
                customer=customer(state, event.member_id),
                campaign_id=event.campaign_id,
                campaign_name=event.campaign_name,
                trigger=event.trigger,
                effects=event.effects,
                redemption_code=None,
            )
        case _:
            pass


def _customer_updated(event: MemberUpdated | TierChanged, state: State) -> CustomerUpdated:
    return CustomerUpdated(
        **webhook_event_header(event, "CustomerUpdated"), customer=customer(state, event.member_id)
    )


CodeSent = MemberSignedUp | ActivationCodeIssued | PasswordResetIssued | ContactChangeAsked
CodeEvent = (
    CustomerWasRegisteredWithoutActivation
    | CustomerRequestedSendActivationCode
    | CustomerRequestedPasswordReset
    | CustomerEmailWasChanged
    | CustomerPhoneNumberWasChanged
)


def _code_webhook_event(event: CodeSent, state: State) -> CodeEvent:
    """A requested change shows the new address or number, as the code must be sent there."""
    kind = _code_event_type(event)
    who = customer(state, event.member_id)
    if isinstance(event, ContactChangeAsked):
        who = replace(who, **{event.kind: event.value})
    return kind(
        **webhook_event_header(event, kind.__name__),
        customer=who,
        code=event.code,
        code_number=event.code_number,
    )


def _code_event_type(event: CodeSent) -> type[CodeEvent]:
    match event:
        case MemberSignedUp():
            return CustomerWasRegisteredWithoutActivation
        case ActivationCodeIssued():
            return CustomerRequestedSendActivationCode
        case PasswordResetIssued():
            return CustomerRequestedPasswordReset
        case ContactChangeAsked():
            return CustomerEmailWasChanged if event.kind == "email" else CustomerPhoneNumberWasChanged


def _tier_changed(event: TierChanged, state: State) -> CustomerLevelChanged:
    return CustomerLevelChanged(
        **webhook_event_header(event, "CustomerLevelChanged"),
        customer=customer(state, event.member_id),
        level_id=event.level_id,
        level_name=event.level_name,
        move_up=event.up,
        move_down=not event.up,
        automatic=not event.manual,
        achieved_at=event.occurred_at,
    )


def _tier_will_expire(event: TierExpiryAnnounced, state: State) -> LevelWillExpire:
    return LevelWillExpire(
        **webhook_event_header(event, "LevelWillExpire"),
        customer=customer(state, event.member_id),
        level_id=event.level_id,
        level_name=event.level_name,
        future_level_id=event.future_level_id,
        future_level_name=event.future_level_name,
        recalculated_at=event.recalculated_at,
        days=event.days,
    )

"""What happened to a member's account and tier, and what campaigns did: a sentence for each kind of fact."""

from decimal import Decimal
from typing import assert_never

from api.panel.text_parts import by_hand_text, cause_text, day_text, days_ahead_text, units_text
from streams.domain.events import (
    ActivationCodeIssued,
    CampaignApplied,
    ContactChangeAsked,
    CustomEventRecorded,
    MemberActivated,
    MemberDeactivated,
    MemberErased,
    MemberEvent,
    MemberRegistered,
    MemberSignedUp,
    MemberUpdated,
    PasswordResetIssued,
    TierChanged,
    TierExpiryAnnounced,
    TierFloorRemoved,
    TierRecalculated,
    WrongCodeGiven,
)
from streams.domain.store import StoreSettings
from streams.domain.values import Attribute, EffectGiven, TriggerType

TRIGGER_TEXTS: dict[TriggerType, str] = {
    "transaction": "a purchase",
    "return_transaction": "a return",
    "custom_event": "an event",
    "internal_event": "something in the account",
}
_TIERS = TierChanged | TierFloorRemoved | TierRecalculated | TierExpiryAnnounced
_ACTS = CustomEventRecorded | CampaignApplied
_Account = (
    MemberRegistered
    | MemberSignedUp
    | MemberActivated
    | MemberUpdated
    | ContactChangeAsked
    | ActivationCodeIssued
    | PasswordResetIssued
    | MemberDeactivated
    | WrongCodeGiven
    | MemberErased
)


def describe_member_event(event: MemberEvent, store: StoreSettings) -> str:
    if isinstance(event, _TIERS):
        return _of_tier(event, store)
    return _of_act(event, store) if isinstance(event, _ACTS) else _of_account(event, store)


def _of_account(event: _Account, store: StoreSettings) -> str:
    match event:
        case MemberRegistered():
            said = f"Became a member, registered on {day_text(event.registered_at, store)}."
        case MemberSignedUp():
            said = "Signed up, and was sent a code to activate the account."
        case MemberActivated():
            said = f"The account was activated{' for the first time' if event.first else ' again'}."
        case MemberUpdated():
            said = f"Personal data was changed{cause_text(event.cause)}."
        case ContactChangeAsked():
            what = "e-mail address" if event.kind == "email" else "phone number"
            said = f"Wants the {what} {event.value or '(erased)'}, and was sent a code there."
        case ActivationCodeIssued():
            said = "Was sent another code to activate the account."
        case PasswordResetIssued():
            said = "Was sent a code to set a new password."
        case MemberErased():
            said = "Everything personal was erased."
        case WrongCodeGiven():
            said = "A wrong code was given: nothing was changed."
        case MemberDeactivated():
            said = "The account was closed."
        case _:
            assert_never(event)
    return said


def _of_tier(event: _TIERS, store: StoreSettings) -> str:
    tiers = store.tier_set(event.tier_set_id)
    of_set = f" of “{tiers.name}”" if tiers else ""
    match event:
        case TierChanged():
            verb = "Rose" if event.up else "Fell"
            return f"{verb} to tier {event.level_name}{of_set}{by_hand_text(event.manual)}."
        case TierFloorRemoved():
            return f"The tier{of_set} that was assigned by hand no longer holds."
        case TierRecalculated():
            return f"The tier period{of_set} ended on {day_text(event.due_at, store)}, and another began."
        case TierExpiryAnnounced():
            then = f"become {event.future_level_name}" if event.future_level_name else "be lost"
            end = day_text(event.recalculated_at, store)
            ahead = days_ahead_text(event.days)
            return f"Was told, {ahead}, that tier {event.level_name}{of_set} will {then} on {end}."
        case _:
            assert_never(event)


def _of_act(event: _ACTS, store: StoreSettings) -> str:
    match event:
        case CustomEventRecorded():
            when = day_text(event.happened_at, store)
            return f"The event “{event.custom_event_type}” happened on {when}{_attributes(event.attributes)}."
        case CampaignApplied():
            given = ", ".join(_effect(effect, store) for effect in event.effects) or "nothing"
            return f"Campaign “{event.campaign_name}” acted on {TRIGGER_TEXTS[event.trigger.type]}: {given}."
        case _:
            assert_never(event)


def _effect(effect: EffectGiven, store: StoreSettings) -> str:
    amount = units_text(effect.points or Decimal(0), effect.wallet or "", store) if effect.wallet else ""
    match effect.type:
        case "give_points":
            said = f"gave {amount or 'units'}"
        case "deduct_unit":
            said = f"took {amount or 'units'}"
        case "give_reward":
            reward = store.reward(effect.reward_id) if effect.reward_id else None
            said = f"gave the reward “{reward.name}”" if reward else "gave a reward"
        case "assign_member_custom_attribute":
            said = f"set {effect.attribute.key}" if effect.attribute else "set an attribute"
        case "remove_member_custom_attribute":
            said = f"removed {effect.attribute.key}" if effect.attribute else "removed an attribute"
    return said if effect.status == "success" else f"{said} ({effect.status})"


def _attributes(attributes: tuple[Attribute, ...]) -> str:
    return " with " + ", ".join(f"{a.key} {a.value}" for a in attributes) if attributes else ""

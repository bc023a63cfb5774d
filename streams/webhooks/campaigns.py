"""The body of the webhook about campaigns, which the original platform did not have in its legacy format."""

from streams.domain.values import EffectGiven, Trigger, plain_decimal
from streams.webhooks.catalogue import webhook
from streams.webhooks.events import CampaignEffectWasApplied
from streams.webhooks.parts import customer, iso_instant
from streams.webhooks.reward_shapes import (
    CampaignEffectBody,
    CustomEventTrigger,
    Effect,
    InternalEventTrigger,
    PurchaseTrigger,
)


@webhook(
    CampaignEffectWasApplied,
    legacy_type="campaign.effect_was_applied",
    triggers=(
        "A campaign gives a member units, or deducts them.",
        "A campaign gives a member a reward.",
        "A campaign assigns or removes a custom attribute of a member.",
    ),
)
def campaign_effect_was_applied(event: CampaignEffectWasApplied) -> CampaignEffectBody:
    """A campaign ran for a member; all that it gave, in one webhook."""
    return {
        "member": customer(event.customer),
        "campaign": {
            "campaignId": event.campaign_id,
            "name": event.campaign_name,
            "triggerType": event.trigger.type,
            "trigger": _trigger_body(event.trigger),
        },
        "effectsGiven": [_effect_body(effect, event.member_id) for effect in event.effects],
        "redemptionCode": event.redemption_code,
    }


def _trigger_body(trigger: Trigger) -> PurchaseTrigger | CustomEventTrigger | InternalEventTrigger:
    created_at = iso_instant(trigger.created_at)
    match trigger.type:
        case "transaction" | "return_transaction":
            return {
                "type": trigger.type,
                "triggerId": trigger.trigger_id,
                "createdAt": created_at,
                "purchasedAt": iso_instant(trigger.performed_at),
                "documentNumber": trigger.document_number,
            }
        case "custom_event":
            return {
                "type": trigger.type,
                "triggerId": trigger.trigger_id,
                "createdAt": created_at,
                "eventDate": iso_instant(trigger.performed_at),
                "eventId": trigger.trigger_id,
            }
        case "internal_event":
            return {
                "type": trigger.type,
                "triggerId": trigger.trigger_id,
                "createdAt": created_at,
                "payload": {"eventName": trigger.event_name},
            }


def _effect_body(effect: EffectGiven, member_id: str) -> Effect:
    return {
        "status": effect.status,
        "target": member_id,
        "walletTypeCode": effect.wallet,
        "type": effect.type,
        "points": plain_decimal(effect.points) if effect.points is not None else None,
        "couponValue": plain_decimal(effect.coupon_value) if effect.coupon_value is not None else None,
        "rewardId": effect.reward_id,
    }

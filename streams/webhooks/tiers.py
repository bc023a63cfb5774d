"""Bodies of the webhooks about tiers, which the outside world calls levels."""

from streams.webhooks.catalogue import SecondLegacyWebhook, webhook
from streams.webhooks.events import CustomerLevelChanged, LevelWillExpire
from streams.webhooks.legacy_shapes import CollectedArray, OldLevel, OldLevelMoved
from streams.webhooks.parts import customer, iso_instant
from streams.webhooks.shapes import LevelChangedBody, LevelWillExpireBody


def _legacy_changed(event: CustomerLevelChanged) -> OldLevel:
    return {
        "customerId": event.member_id,
        "levelId": event.level_id,
        "levelName": event.level_name,
        "levelAchievementDate": iso_instant(event.achieved_at),
    }


def _legacy_moved(event: CustomerLevelChanged) -> OldLevelMoved | None:
    # The first level is not a move, so that it has no direction.
    if not (event.automatic and (event.move_up or event.move_down)):
        return None
    return {**_legacy_changed(event), "levelMove": "up" if event.move_up else "down"}


@webhook(
    CustomerLevelChanged,
    legacy_type="customer.level_changed",
    legacy=_legacy_changed,
    second=SecondLegacyWebhook("customer.level_changed_automatically", _legacy_moved),
    triggers=(
        "A member's tier is changed by hand, to a lower or a higher one, in the panel or through the API.",
        "A member reaches the threshold of a tier, or falls below it, by the conditions of the tier set.",
        "A member is created and gets the lowest tier.",
    ),
)
def customer_level_changed(event: CustomerLevelChanged) -> LevelChangedBody:
    """A member moved to another tier, or got the first one."""
    return {
        "customer": customer(event.customer),
        "level": {
            "levelId": event.level_id,
            "name": event.level_name,
            "levelMoveUp": event.move_up,
            "levelMoveDown": event.move_down,
        },
    }


def _legacy_will_expire(event: LevelWillExpire) -> CollectedArray[LevelWillExpireBody]:
    return [level_will_expire(event)]


@webhook(
    LevelWillExpire,
    legacy_type="account.expiring_level_notification",
    legacy=_legacy_will_expire,
    triggers=(
        "A tier recalculation that will lower the member's tier is as many days away as Expiring "
        "Notifications, Tier recalculation notification, says.",
    ),
)
def level_will_expire(event: LevelWillExpire) -> LevelWillExpireBody:
    """A member will lose the tier at the next recalculation, unless something happens until then."""
    who = event.customer
    return {
        "customerId": who.customer_id,
        "customerEmail": who.email,
        "customerPhone": who.phone,
        "customerLoyaltyCardNumber": who.loyalty_card_number,
        "customerFirstName": who.first_name,
        "customerLastName": who.last_name,
        "levelId": event.level_id,
        "levelName": event.level_name,
        "futureLevelId": event.future_level_id,
        "futureLevelName": event.future_level_name,
    }

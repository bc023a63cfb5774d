"""From announcements to the WillExpire webhook events."""

from streams.derived.balance import wallet_id
from streams.derived.event_header import customer, webhook_event_header
from streams.domain.events import UnitsExpiryAnnounced
from streams.domain.state import State
from streams.webhooks.events import PointsWillExpire


def points_will_expire(event: UnitsExpiryAnnounced, state: State) -> PointsWillExpire:
    return PointsWillExpire(
        **webhook_event_header(event, "PointsWillExpire"),
        customer=customer(state, event.member_id),
        wallet_id=wallet_id(event.store, event.member_id, event.wallet),
        lot_id=event.lot_id,
        points=event.units,
        remaining=event.remaining,
        expires_at=event.expires_at,
        days=event.days,
    )

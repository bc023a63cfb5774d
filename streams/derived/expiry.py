"""From announcements of expiring units to webhook events."""

from collections.abc import Iterator

from streams.derived.balance import wallet_id
from streams.domain.events import UnitsExpiryAnnounced
from streams.domain.state import State
from streams.domain.store import StoreSettings
from streams.webhooks.derivation import derives
from streams.webhooks.event_header import customer, webhook_event_header
from streams.webhooks.events import PointsWillExpire


@derives(UnitsExpiryAnnounced)
def points_will_expire(
    event: UnitsExpiryAnnounced, state: State, _: StoreSettings
) -> Iterator[PointsWillExpire]:
    yield PointsWillExpire(
        **webhook_event_header(event, "PointsWillExpire"),
        customer=customer(state, event.member_id),
        wallet_id=wallet_id(event.store, event.member_id, event.wallet),
        lot_id=event.lot_id,
        points=event.units,
        remaining=event.remaining,
        expires_at=event.expires_at,
        days=event.days,
    )

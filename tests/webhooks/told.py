"""Webhook events that the story does not bring about; golden files tell how they are delivered."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from streams.domain.values import Coupon, EffectGiven, Trigger
from streams.webhooks.events import (
    CampaignEffectWasApplied,
    CouponWillExpire,
    Customer,
    CustomerDeactivated,
    CustomerEmailWasChanged,
    CustomerLevelChanged,
    CustomerPhoneNumberWasChanged,
    CustomerRequestedPasswordReset,
    CustomerRequestedSendActivationCode,
    CustomerUpdated,
    CustomerWasRegisteredWithoutActivation,
    LevelWillExpire,
    RewardRedemptionStatusChanged,
    WebhookEvent,
)
from tests.samples import ANNA, STORE, VOUCHER, uid
from tests.webhooks.scenario import PROFILE

AT = datetime(2026, 5, 4, 9, 15, 30, 999_999, tzinfo=UTC)
WHO = Customer(
    customer_id=ANNA,
    email="anna@example.com",
    phone="+48000000001",
    loyalty_card_number="2600000000017",
    first_name="Anna",
    last_name="Example",
)
HEAD: dict[str, Any] = {
    "webhook_event_id": uid(41),
    "event_id": uid(42),
    "store": STORE,
    "member_id": ANNA,
    "created_at": AT,
    "customer": WHO,
}
CODE: dict[str, Any] = {"code": "wq3-A7f", "code_number": 4711}
COUPON = Coupon(
    code="52FD1CF6DEF65B40",
    value=Decimal("12.500000"),
    value_type="percentage",
    active_from=datetime(2026, 4, 14, tzinfo=UTC),
    active_to=datetime(2026, 5, 14, 23, 59, 59, tzinfo=UTC),
)

TOLD: tuple[WebhookEvent, ...] = (
    CustomerUpdated(**HEAD),
    CustomerDeactivated(**HEAD),
    CustomerWasRegisteredWithoutActivation(**HEAD, **CODE),
    CustomerRequestedSendActivationCode(**HEAD, **CODE),
    CustomerRequestedPasswordReset(**HEAD, **CODE),
    CustomerPhoneNumberWasChanged(**HEAD, **CODE),
    CustomerEmailWasChanged(**HEAD, **CODE),
    CustomerLevelChanged(
        **HEAD,
        level_id=uid(302),
        level_name="Gold",
        move_up=True,
        move_down=False,
        automatic=True,
        achieved_at=datetime(2026, 5, 4, 9, 15, 29, tzinfo=UTC),
    ),
    LevelWillExpire(
        **HEAD,
        level_id=uid(302),
        level_name="Gold",
        future_level_id=uid(301),
        future_level_name="Silver",
        recalculated_at=datetime(2026, 5, 14, tzinfo=UTC),
        days=10,
    ),
    CouponWillExpire(**HEAD, issued_reward_id=uid(901), coupon=COUPON, days=10),
    RewardRedemptionStatusChanged(
        **HEAD,
        profile=PROFILE,
        issued_reward_id=uid(901),
        token="T-901",
        reward_id=VOUCHER,
        reward_name="Voucher",
        reward_type="dynamic_coupon",
        cost=Decimal("100.000000"),
        price=Decimal("24.60"),
        tax=Decimal(23),
        tax_price_value=Decimal("4.6"),
        redeemed_at=datetime(2026, 4, 14, 10, 0, 1, tzinfo=UTC),
        coupon=COUPON,
        new_status="shipped",
        new_comment="by courier",
        new_at=datetime(2026, 5, 4, 9, 15, 30, tzinfo=UTC),
        old_status="packing",
        old_comment=None,
        old_at=datetime(2026, 5, 3, 16, 0, tzinfo=UTC),
    ),
    CampaignEffectWasApplied(
        **HEAD,
        campaign_id=uid(700),
        campaign_name="Ten a dollar",
        trigger=Trigger(
            type="transaction",
            trigger_id=uid(610),
            created_at=datetime(2026, 5, 4, 9, 15, 29, tzinfo=UTC),
            performed_at=datetime(2026, 5, 4, 9, 12, tzinfo=UTC),
            document_number="R/2026/17",
        ),
        effects=(
            EffectGiven(type="give_points", wallet="default", points=Decimal("294.300000")),
            EffectGiven(type="give_reward", reward_id=VOUCHER, coupon_value=Decimal("5.00")),
            EffectGiven(type="deduct_unit", status="skipped", wallet="default", points=Decimal(0)),
        ),
        redemption_code=None,
    ),
)

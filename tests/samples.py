"""A store, members and commands as tests need them. Ids are readable: `uid(7)` ends in 7."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

from streams.delivery.records import Subscription
from streams.domain.commands import AddUnits, BuyReward, RegisterMember, RegisterTransaction, SpendUnits
from streams.domain.rules import Campaign
from streams.domain.store import Reward, StoreSettings, WalletType
from streams.domain.values import Item, Profile

STORE = "DEFAULT"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def uid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


ANNA, BORIS = uid(1), uid(2)
VOUCHER = uid(900)
WALLET_TYPE = WalletType(wallet_type_id=uid(800), created_at=datetime(2026, 1, 1, tzinfo=UTC))
TEN_A_DOLLAR = Campaign(
    campaign_id=uid(700),
    name="Ten a dollar",
    points_per_currency_unit=Decimal(10),
    expires_after_days=90,
)
SETTINGS = StoreSettings(
    store=STORE,
    wallets=(WALLET_TYPE,),
    campaigns=(TEN_A_DOLLAR,),
    rewards=(
        Reward(
            reward_id=VOUCHER,
            name="Voucher",
            cost=Decimal(100),
            coupon_value=Decimal("5.00"),
            days_valid=30,
        ),
    ),
    units_expiring_days=(10,),
)
_ids = count(10_000)


def subscription(event_name: str, *, number: int = 500, legacy: bool = False) -> Subscription:
    return Subscription(
        subscription_id=uid(number),
        store=STORE,
        event_name=event_name,
        url="http://127.0.0.1:9/hook",
        created_at=NOON,
        legacy=legacy,
    )


def register(member: str = ANNA, at: datetime = NOON, email: str | None = None) -> RegisterMember:
    return RegisterMember(
        command_id=uid(next(_ids)),
        store=STORE,
        member_id=member,
        issued_at=at,
        profile=Profile(email=email),
    )


def purchase(amount: str, document: str, member: str = ANNA, at: datetime = NOON) -> RegisterTransaction:
    return RegisterTransaction(
        command_id=uid(next(_ids)),
        store=STORE,
        member_id=member,
        issued_at=at,
        document_number=document,
        purchased_at=at,
        items=(Item(sku="CD", name="Compact disc", quantity=1, gross_value=Decimal(amount)),),
    )


def add(units: str, member: str = ANNA, at: datetime = NOON, expires_in_days: int | None = None) -> AddUnits:
    return AddUnits(
        command_id=uid(next(_ids)),
        store=STORE,
        member_id=member,
        issued_at=at,
        units=Decimal(units),
        expires_in_days=expires_in_days,
    )


def spend(units: str, member: str = ANNA, at: datetime = NOON) -> SpendUnits:
    return SpendUnits(
        command_id=uid(next(_ids)), store=STORE, member_id=member, issued_at=at, units=Decimal(units)
    )


def buy(member: str = ANNA, at: datetime = NOON, reward_id: str = VOUCHER, quantity: int = 1) -> BuyReward:
    return BuyReward(
        command_id=uid(next(_ids)),
        store=STORE,
        member_id=member,
        issued_at=at,
        reward_id=reward_id,
        quantity=quantity,
    )

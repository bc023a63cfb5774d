"""Example events, one for each webhook, and the bodies that they lead to.

A body in any format is made by the webhook's own functions from one event, so that formats agree. What an
event's field holds is found by its name, then by its type: a webhook that a deployment adds has an example
without more.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from msgspec import NODEFAULT, inspect

from streams.domain.ids import derived_id
from streams.domain.values import Coupon, EffectGiven, Trigger
from streams.webhooks.catalogue import Webhook
from streams.webhooks.events import TakenBack, WebhookEvent
from streams.webhooks.schema import BodyFormat

DAYS_AHEAD = 10
"""How many days before the end an example announces it."""
NO_VALUES: Mapping[str, object] = {}

EXAMPLE_MEMBER = derived_id("example", "member")
_BY_NAME: dict[str, object] = {
    "store": "DEFAULT",
    "first_name": "Anna",
    "last_name": "Nowak",
    "email": "anna@example.com",
    "phone": "+48600100200",
    "loyalty_card_number": "2600000000017",
    "gender": "female",
    "referral_token": "ANNA-2F7K",
    "street": "Long Street",
    "address1": "12",
    "address2": "4a",
    "postal": "00-001",
    "city": "Warsaw",
    "province": "Mazovia",
    "country": "PL",
    "nip": "5260001246",
    "agreement1": True,
    "agreement2": True,
    "agreement3": False,
    "code": "wq3-A7f",
    "code_number": 471162,
    "level_name": "Gold",
    "future_level_name": "Silver",
    "move_up": True,
    "move_down": False,
    "automatic": True,
    "days": DAYS_AHEAD,
    "document_number": "R/0417",
    "document_type": "sell",
    "sku": "CD-7",
    "quantity": 2,
    "gross_value": Decimal("59.90"),
    "category": "music",
    "maker": "Example Records",
    "amount_before": Decimal(100),
    "amount_change": Decimal(25),
    "amount": Decimal(125),
    "amount_change_type": "add",
    "sequence": 7,
    "points": Decimal(40),
    "remaining": Decimal(40),
    "cost": Decimal(100),
    "reward_name": "Voucher of 10 EUR",
    "reward_type": "dynamic_coupon",
    "price": Decimal("24.60"),
    "tax": Decimal(23),
    "tax_price_value": Decimal("4.60"),
    "token": "T-901-4F7K",
    "new_status": "shipped",
    "new_comment": "Handed to the courier",
    "old_status": "packing",
    "old_comment": "Paid with points",
    "campaign_name": "Points for each purchase",
    "redemption_code": None,
    "member_id": EXAMPLE_MEMBER,
    "customer_id": EXAMPLE_MEMBER,
    # The example's transaction triggered a campaign.
    "Cause.custom_event_id": None,
    "Cause.internal_event_name": None,
    "CustomerRegistered.birth_date": "1990-05-17T00:00:00+02:00",
    "Attribute.key": "source",
    "Attribute.value": "app",
    "Company.name": "Example Ltd",
    "Buyer.name": "Anna Nowak",
    "Item.name": "Compact disc",
    "WalletLabel.code": "default",
}
"""Values by a field's name, or by its class and name where a name means several things."""


_BY_TYPE: dict[type[inspect.Type], object] = {
    inspect.DecimalType: Decimal(10),
    inspect.IntType: 1,
    inspect.FloatType: 1,
    inspect.BoolType: True,
}
_PYTHON_TYPES: dict[type[inspect.Type], type] = {
    inspect.NoneType: type(None),
    inspect.StrType: str,
    inspect.BoolType: bool,
    inspect.IntType: int,
    inspect.DecimalType: Decimal,
    inspect.DateTimeType: datetime,
}


def example_event(
    entry: Webhook[Any], at: datetime, values: Mapping[str, object] = NO_VALUES
) -> WebhookEvent:
    """The example event of that webhook, as it happens at `at`. What it announces lies ahead of `at`.

    `values` replace the example's own, by the name of the event's field: `customer_id`, `email`.
    """
    event: WebhookEvent = _Example(at.replace(microsecond=0), values).struct(inspect.type_info(entry.event))  # type: ignore[arg-type]
    return event


def make_example(entry: Webhook[Any], form: BodyFormat, at: datetime) -> object:
    """The value under `data` of the example event, in that format."""
    event = example_event(entry, at)
    if form == "second":
        if entry.second is None:
            raise LookupError(f"{entry.name} has no second legacy webhook")
        return entry.second.body(event)
    return entry.body(event) if form == "new" else entry.legacy_body(event)


class _Example:
    """Fills in an event. Optional fields have values too, so that a reader sees what they look like."""

    def __init__(self, at: datetime, values: Mapping[str, object]) -> None:
        self._end = (at + timedelta(days=DAYS_AHEAD)).replace(hour=23, minute=59, second=59)
        self._known: dict[str, object] = {
            **_BY_NAME,
            "Profile.birth_date": at.replace(year=1990, month=5, day=17, hour=0, minute=0, second=0),
            "WalletLabel.created_at": at - timedelta(days=730),
            "purchased_at": at - timedelta(minutes=2),
            "performed_at": at - timedelta(minutes=2),
            "redeemed_at": at - timedelta(days=3),
            "old_at": at - timedelta(days=1),
            "expires_at": self._end,
            "active_to": self._end,
            "recalculated_at": self._end,
            **values,
        }
        self._at = at
        self._parts: dict[type, object] = {
            Coupon: self._coupon(),
            Trigger: self._trigger(),
            EffectGiven: EffectGiven(type="give_points", wallet="default", points=Decimal(25)),
            # Only a return has it, and the example is none.
            TakenBack: None,
        }

    def struct(self, info: inspect.StructType) -> Any:
        name = info.cls.__name__
        return info.cls(**{each.name: self._field(each, name) for each in info.fields})

    def _field(self, field: inspect.Field, owner: str) -> object:
        for key in (f"{owner}.{field.name}", field.name):
            if key in self._known and _is_fitting(self._known[key], field.type):
                return self._known[key]
        if field.default is not NODEFAULT and field.default is not None and field.default != ():
            return field.default
        return self._value(field.type, field.name)

    def _value(self, kind: inspect.Type, name: str) -> object:
        match kind:
            case inspect.StructType():
                return self._parts[kind.cls] if kind.cls in self._parts else self.struct(kind)
            case inspect.UnionType():
                return self._value(next(t for t in kind.types if not isinstance(t, inspect.NoneType)), name)
            case inspect.VarTupleType():
                return (self._value(kind.item_type, name),)
            case inspect.LiteralType():
                return kind.values[0]
            case inspect.StrType():
                return derived_id("example", name) if kind.pattern else "example"
        return self._at if isinstance(kind, inspect.DateTimeType) else _BY_TYPE.get(type(kind))

    def _coupon(self) -> Coupon:
        began = self._at - timedelta(days=20)
        return Coupon(code="52FD1CF6DEF65B40", value=Decimal(10), active_from=began, active_to=self._end)

    def _trigger(self) -> Trigger:
        return Trigger(
            type="transaction",
            trigger_id=derived_id("example", "transaction_id"),
            created_at=self._at,
            performed_at=self._at - timedelta(minutes=2),
            document_number="R/0417",
        )


def _is_fitting(value: object, kind: inspect.Type) -> bool:
    """Whether a field of that type may hold the value: a deployment's own may mean another thing."""
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return any(_is_of(value, each) for each in kinds)


def _is_of(value: object, kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.LiteralType):
        return value in kind.values
    # Exactly: a bool is no number here.
    return type(value) is _PYTHON_TYPES.get(type(kind))

"""One member's story that brings every webhook, told with nothing left to chance: same ids, same instants."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.http.envelope import envelope
from streams.domain.commands import (
    AddUnits,
    BuyReward,
    Command,
    RegisterMember,
    RegisterTransaction,
    SpendUnits,
)
from streams.domain.values import Address, Attribute, Buyer, Company, Item, Profile
from tests.driver import WINDOW, Pipeline
from tests.samples import ANNA, SETTINGS, STORE, VOUCHER, subscription, uid

AT = datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC)
LATER = datetime(2026, 3, 13, 0, 0, 1, tzinfo=UTC)
"""Ten days before the end of the units that were added by hand, and two seconds."""
HOME = Address(
    street="Long Street",
    address1="12",
    address2="4a",
    postal="00-001",
    city="Warsaw",
    province="Mazovia",
    country="PL",
)
PROFILE = Profile(
    first_name="Anna",
    last_name="Example",
    email="anna@example.com",
    phone="+48000000001",
    loyalty_card_number="2600000000017",
    gender="female",
    birth_date=datetime(1990, 5, 17, tzinfo=UTC),
    referral_token="friend-1",
    address=HOME,
    company=Company(name="Example Ltd", nip="0000000000"),
    custom_attributes=(Attribute(key="shoe size", value="38"),),
    agreement1=True,
)
BUYER = Buyer(
    email="anna@example.com",
    name="Anna Example",
    nip="0000000000",
    phone="+48000000001",
    loyalty_card_number="2600000000017",
    address=HOME,
)
LINES = (
    Item(
        sku="CD-7",
        name="Compact disc",
        quantity=2,
        gross_value=Decimal("29.33"),
        category="music",
        maker="Example Records",
        labels=(Attribute(key="genre", value="jazz"),),
    ),
    Item(sku="BAG", name="Paper bag", quantity=1, gross_value=Decimal("0.10")),
)


def _head(number: int) -> dict[str, Any]:
    return {"command_id": uid(number), "store": STORE, "member_id": ANNA, "issued_at": AT}


STORY: tuple[Command, ...] = (
    RegisterMember(**_head(1001), profile=PROFILE, registered_at=datetime(2026, 3, 1, 8, 30, tzinfo=UTC)),
    RegisterTransaction(
        **_head(1002),
        document_number="R/2026/17",
        purchased_at=datetime(2026, 3, 2, 11, 58, 30, tzinfo=UTC),
        items=LINES,
        buyer=BUYER,
        channel_id=uid(600),
    ),
    BuyReward(**_head(1003), reward_id=VOUCHER),
    AddUnits(**_head(1004), units=Decimal("7.5"), expires_in_days=20),
    SpendUnits(**_head(1005), units=Decimal("2.25")),
)
REQUEST = uid(77)


def delivered(name: str, *, legacy: bool) -> str:
    """The first body of that webhook, as its endpoint gets it on an attempt whose request id is `REQUEST`."""
    run = Pipeline(SETTINGS, now=AT)
    run.subscribe(subscription(name, legacy=legacy))
    run.when(*STORY)
    run.at(LATER)
    run.close_batches(LATER + WINDOW)
    return envelope(run.deliveries()[0], REQUEST).decode()

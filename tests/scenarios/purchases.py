"""Transactions, rewards, tiers, and what campaigns make of them."""

from datetime import timedelta
from decimal import Decimal

from streams.domain.commands import (
    AddUnits,
    AssignReward,
    AssignTier,
    AssignTransaction,
    BuyReward,
    ChangeRedemptionStatus,
    RecordCustomEvent,
    RecordTransaction,
    RegisterMember,
    RegisterTransaction,
    UseCoupon,
)
from streams.domain.commands import Command as AnyCommand
from streams.domain.ids import document_id
from streams.domain.values import Attribute, Buyer, Item, Profile
from tests.samples import NOON, STORE, VOUCHER, uid
from tests.scenarios.scenario import Scenario, Told, act_of, applied, bought, changed, moved, registered, tell
from tests.scenarios.store import GOLD, SILVER


def item(value: str) -> tuple[Item, ...]:
    return (Item(sku="CD", name="Compact disc", quantity=1, gross_value=Decimal(value)),)


def _purchase(owner: str, number: str, value: str, kind: str = "sell") -> RegisterTransaction:
    return tell(
        RegisterTransaction,
        owner,
        document_number=number,
        purchased_at=NOON,
        items=item(value),
        document_type=kind,
    )


def _document(number: str, buyer: Buyer | None = None) -> RecordTransaction:
    return tell(
        RecordTransaction,
        document_id(STORE, number),
        document_number=number,
        purchased_at=NOON,
        items=item("2"),
        buyer=buyer,
    )


def _match(number: str, **to: str) -> AssignTransaction:
    return tell(AssignTransaction, document_id(STORE, number), document_number=number, **to)


def _coupon(command: AnyCommand) -> str:
    """The code of the coupon that the command issues."""
    return act_of(command).id("coupon").replace("-", "")[:16].upper()


def _will_expire(points: str, remaining: str) -> Told:
    return "PointsWillExpire", {"points": points, "remainingUnits": remaining}


BUYER = uid(41)
buyer = Scenario(
    "a purchase earns points, and its return takes them back",
    BUYER,
    [
        tell(RegisterMember, BUYER, profile=Profile(email="one@example.com")),
        _purchase(BUYER, "DOC-1", "12.50"),
        _purchase(BUYER, "DOC-1", "12.50"),
        _purchase(BUYER, "DOC-1-R", "2.50", "return"),
    ],
    [
        *registered(BUYER),
        *bought("DOC-1", "12.5"),
        changed("125", "125", "add"),
        applied("Ten a dollar"),
        ("TransactionRegistered", {"documentNumber": "DOC-1-R", "documentType": "return"}),
        ("TransactionAssignedToCustomer", {"grossValue": "2.5"}),
        changed("100", "25", "subtract"),
        applied("Ten a dollar back"),
    ],
    later=[_will_expire("125", "100"), changed("0", "100", "expire")],
    refused=["document_number"],
    shows={
        "TransactionRegistered": [0, 1],
        "AvailablePointsAmountChanged": [2],
        "CampaignEffectWasApplied": [0],
    },
)

HOLDER = uid(42)
_card = Buyer(loyalty_card_number="42-42", email="nobody@example.com")
by_card = Scenario(
    "a document whose data name a member's card is that member's",
    document_id(STORE, "TILL/1"),
    [_document("TILL/1", _card)],
    [("TransactionRegistered", {"documentNumber": "TILL/1"})],
    shows={"TransactionRegistered": [0, 1, 2]},
)
by_hand = Scenario(
    "a document that names nobody is matched by hand",
    document_id(STORE, "TILL/2"),
    [_document("TILL/2"), _match("TILL/2", phone="(+48) 000-000-042")],
    [("TransactionRegistered", {"documentNumber": "TILL/2"})],
)
to_nobody = Scenario(
    "a document is not matched to whom nobody knows",
    document_id(STORE, "TILL/3"),
    [_document("TILL/3"), _match("TILL/3", phone="+48 000 000 404"), _match("TILL/3", to_member=uid(404))],
    [("TransactionRegistered", {"documentNumber": "TILL/3"})],
    refused=["document_number", "member_id"],
)
holder = Scenario(
    "the member gets the documents that were matched, and their points",
    HOLDER,
    [
        tell(
            RegisterMember,
            HOLDER,
            profile=Profile(loyalty_card_number="42-42", phone="+48000000042", email="h@example.com"),
        )
    ],
    [
        *registered(HOLDER),
        ("TransactionAssignedToCustomer", {"grossValue": "2"}),
        changed("20", "20", "add"),
        applied("Ten a dollar"),
        ("TransactionAssignedToCustomer", {"grossValue": "2"}),
        changed("40", "20", "add"),
        applied("Ten a dollar"),
    ],
    later=[
        _will_expire("20", "20"),
        _will_expire("20", "20"),
        changed("20", "20", "expire"),
        changed("0", "20", "expire"),
    ],
    shows={"TransactionAssignedToCustomer": [0, 1, 2, 3]},
    leads=3,
)

REWARDED = uid(43)
_bought = tell(BuyReward, REWARDED, reward_id=VOUCHER)
_given = tell(AssignReward, REWARDED, reward_id=VOUCHER)
rewarded = Scenario(
    "a reward is paid with the points that expire first; an unused coupon is announced, a used one is not",
    REWARDED,
    [
        tell(RegisterMember, REWARDED, profile=Profile()),
        _purchase(REWARDED, "DOC-2", "12.50"),
        tell(AddUnits, REWARDED, units=Decimal(10), expires_in_days=20),
        _bought,
        _given,
        tell(UseCoupon, REWARDED, code=_coupon(_bought)),
        tell(UseCoupon, REWARDED, code=_coupon(_bought)),
        tell(
            ChangeRedemptionStatus,
            REWARDED,
            issued_reward_id=act_of(_bought).id("issued_reward"),
            status="shipped",
            comment="by post",
        ),
    ],
    [
        *registered(REWARDED),
        *bought("DOC-2", "12.5"),
        changed("125", "125", "add"),
        applied("Ten a dollar"),
        changed("135", "10", "add"),
        changed("35", "100", "subtract"),
        ("CustomerBoughtReward", {"costInPoints": "100"}),
        ("CustomerBoughtReward", {"costInPoints": "0", "actionCause": None}),
        ("RewardRedemptionStatusChanged", {"oldStatus": "issued", "newStatus": "shipped"}),
    ],
    later=[
        (
            "CouponWillExpire",
            {"issuedCoupon": {"code": _coupon(_given)}},
        ),
        _will_expire("125", "35"),
        changed("0", "35", "expire"),
    ],
    refused=["code"],
    shows={
        "AvailablePointsAmountChanged": [0],
        "CustomerBoughtReward": [0, 2],
        "RewardRedemptionStatusChanged": [0, 1],
        "CouponWillExpire": [0],
    },
)

CRITIC = uid(44)


def _review(stars: str, number: int) -> RecordCustomEvent:
    return tell(
        RecordCustomEvent,
        CRITIC,
        event_type="review",
        event_id=uid(number),
        happened_at=NOON - timedelta(hours=1),
        attributes=(Attribute(key="stars", value=stars),),
    )


critic = Scenario(
    "a custom event that meets a campaign's conditions brings a reward and an attribute",
    CRITIC,
    [tell(RegisterMember, CRITIC, profile=Profile()), _review("3", 4401), _review("4.5", 4402)],
    [
        *registered(CRITIC),
        ("CustomerBoughtReward", {"costInPoints": "0", "actionCause": {"customEventId": uid(4402)}}),
        ("CustomerUpdated", {}),
        applied("Thanks for the review"),
    ],
    later=[("CouponWillExpire", {})],
    shows={"CampaignEffectWasApplied": [1, 2], "CustomerBoughtReward": [1]},
)

CLIMBER = uid(45)
climber = Scenario(
    "a tier that was reached is lost at the recalculation, of which the member is told before",
    CLIMBER,
    [
        tell(RegisterMember, CLIMBER, profile=Profile()),
        tell(AddUnits, CLIMBER, units=Decimal(1000), expires_in_days=20),
    ],
    [*registered(CLIMBER), changed("1000", "1000", "add"), *moved("Silver", up=True)],
    later=[
        _will_expire("1000", "1000"),
        changed("0", "1000", "expire"),
        ("LevelWillExpire", {"levelName": "Silver", "futureLevelName": "Bronze"}),
        *moved("Bronze", up=False),
    ],
    shows={"CustomerLevelChanged": [1], "LevelWillExpire": [0]},
)

GUEST = uid(46)
guest = Scenario(
    "a tier that was assigned by hand is changed by hand alone, upwards and downwards",
    GUEST,
    [
        tell(RegisterMember, GUEST, profile=Profile()),
        tell(AssignTier, GUEST, level_id=GOLD),
        tell(AssignTier, GUEST, level_id=SILVER),
        tell(AssignTier, GUEST, level_id=SILVER),
    ],
    [*registered(GUEST), *moved("Gold", up=True), *moved("Silver", up=False)],
    refused=["level_id"],
    shows={"CustomerLevelChanged": [0], "CustomerUpdated": [1]},
)
PURCHASES = (buyer, holder, by_card, by_hand, to_nobody, rewarded, critic, climber, guest)

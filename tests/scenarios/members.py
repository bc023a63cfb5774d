"""Accounts: opened, activated, changed, closed."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from streams.domain.commands import (
    ActivateMember,
    AddUnits,
    ChangeOwnEmail,
    ChangeOwnPhone,
    ConfirmChange,
    DeactivateMember,
    RegisterMember,
    RequestPasswordReset,
    SendActivationCode,
    SignUpMember,
    UpdateMember,
)
from streams.domain.commands import Command as AnyCommand
from streams.domain.values import Address, Attribute, Company, Profile
from tests.samples import NOON, uid
from tests.scenarios.scenario import Scenario, Told, act_of, applied, changed, moved, registered, tell


def code(command: AnyCommand) -> str:
    """The code that the command sends to the member."""
    return act_of(command).id("code").replace("-", "")


def _updated(email: str | None = None) -> Told:
    return "CustomerUpdated", {"customer": {"email": email}} if email else {}


UPDATED = uid(31)
_first = Profile(email="three@example.com")
_steps: list[dict[str, Any]] = [
    {"first_name": "Cleo", "last_name": "Example"},
    {"phone": "+48 000 000 003"},
    {"email": "cleo@example.com"},
    {"loyalty_card_number": "31-31"},
    {"gender": "female"},
    {"birth_date": NOON - timedelta(days=10_000)},
    {"custom_attributes": (Attribute(key="shoe size", value="38"),)},
    {"address": Address(city="Warsaw", country="PL")},
    {"company": Company(name="Example Ltd")},
    {"agreement1": True},
]


def _profiles() -> list[Profile]:
    profiles = [_first]
    for step in _steps:
        profiles.append(replace(profiles[-1], **step))
    return profiles


_all = _profiles()
updated = Scenario(
    "whatever changes in a profile is told once, and nothing where nothing changes",
    UPDATED,
    [
        tell(RegisterMember, UPDATED, profile=_first),
        *(tell(UpdateMember, UPDATED, profile=profile) for profile in _all[1:]),
        tell(UpdateMember, UPDATED, profile=_all[-1]),
        tell(UpdateMember, UPDATED, profile=_all[-1], registered_at=NOON - timedelta(days=3)),
    ],
    [*registered(UPDATED), *(_updated(p.email) for p in _all[1:]), _updated()],
    shows={"CustomerUpdated": [0, 1, 2, 3, 4], "CustomerRegistered": [0, 1], "CustomerLevelChanged": [2]},
    leads=3 + len(_all),
)

TWIN = uid(32)
twin = Scenario(
    "an address that another member has is refused, whatever its case, and so is what needs the account",
    TWIN,
    [
        tell(RegisterMember, TWIN, profile=Profile(email="Cleo@Example.com", phone="+48000000032")),
        tell(AddUnits, TWIN, units=Decimal(1)),
        tell(RegisterMember, TWIN, profile=Profile(phone="+48000000032")),
        tell(AddUnits, TWIN, units=Decimal(1)),
    ],
    # What the refused registration had claimed is free again.
    [*registered(TWIN), changed("1", "1", "add")],
    refused=["profile.email", "member_id"],
)

ALONE = uid(33)
_sign_up = tell(SignUpMember, ALONE, profile=Profile(email="alone@example.com"))
_send, _again = tell(SendActivationCode, ALONE), tell(SendActivationCode, ALONE)
alone = Scenario(
    "a member who registers alone is inactive until the last code that was sent comes back",
    ALONE,
    [
        _sign_up,
        tell(AddUnits, ALONE, units=Decimal(1)),
        _send,
        _again,
        tell(ActivateMember, ALONE, code=code(_sign_up)),
        tell(ActivateMember, ALONE, code=code(_again)),
        tell(SendActivationCode, ALONE),
        _reset := tell(RequestPasswordReset, ALONE),
    ],
    [
        ("CustomerWasRegisteredWithoutActivation", {"code": code(_sign_up)}),
        ("CustomerRequestedSendActivationCode", {"code": code(_send)}),
        ("CustomerRequestedSendActivationCode", {"code": code(_again)}),
        *moved("Bronze", up=True),
        ("CustomerRequestedPasswordReset", {"code": code(_reset)}),
    ],
    refused=["member_id", "code", "member_id"],
    shows={
        "CustomerWasRegisteredWithoutActivation": [0],
        "CustomerRequestedSendActivationCode": [0, 1],
        "CustomerRequestedPasswordReset": [0],
    },
)

LOGGED = uid(34)
_email = tell(ChangeOwnEmail, LOGGED, email="new@example.com")
_phone = tell(ChangeOwnPhone, LOGGED, phone="+48000000034")
logged = Scenario(
    "a logged member's new address and number hold once their codes come back",
    LOGGED,
    [
        tell(RegisterMember, LOGGED, profile=Profile(email="old@example.com")),
        _email,
        _phone,
        tell(ConfirmChange, LOGGED, code="wrong"),
        tell(ConfirmChange, LOGGED, code=code(_phone)),
        tell(ConfirmChange, LOGGED, code=code(_email)),
        tell(RequestPasswordReset, LOGGED),
    ],
    [
        *registered(LOGGED),
        ("CustomerEmailWasChanged", {"code": code(_email), "customer": {"email": "new@example.com"}}),
        ("CustomerPhoneNumberWasChanged", {"code": code(_phone), "customer": {"phone": "+48000000034"}}),
        ("CustomerUpdated", {"customer": {"email": "old@example.com", "phone": "+48000000034"}}),
        _updated("new@example.com"),
    ],
    refused=["code", "member_id"],
    shows={"CustomerEmailWasChanged": [0], "CustomerPhoneNumberWasChanged": [0]},
)

CLOSED = uid(35)
closed = Scenario(
    "a closed account earns nothing, and its member is told of nothing but what is gone",
    CLOSED,
    [
        tell(
            RegisterMember,
            CLOSED,
            profile=Profile(custom_attributes=(Attribute(key="club", value="yes"),)),
        ),
        tell(AddUnits, CLOSED, units=Decimal(2), expires_in_days=30),
        tell(DeactivateMember, CLOSED),
        tell(AddUnits, CLOSED, units=Decimal(1)),
    ],
    [
        *registered(CLOSED),
        changed("5", "5", "add"),
        applied("Welcome"),
        changed("7", "2", "add"),
        ("CustomerDeactivated", {}),
    ],
    later=[changed("5", "2", "expire")],
    refused=["member_id"],
    shows={"CustomerDeactivated": [0, 1], "CampaignEffectWasApplied": [0]},
)
MEMBERS = (updated, twin, alone, logged, closed)

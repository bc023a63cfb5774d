"""Accounts of members: opened, activated, changed, closed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from msgspec.structs import replace

from streams.domain import codes, identifiers
from streams.domain.commands import (
    ActivateMember,
    ChangeOwnEmail,
    ChangeOwnPhone,
    ConfirmChange,
    DeactivateMember,
    EraseMember,
    RegisterMember,
    RequestPasswordReset,
    SendActivationCode,
    SignUpMember,
    UpdateMember,
)
from streams.domain.event_context import Act
from streams.domain.events import (
    ActivationCodeIssued,
    ContactChangeAsked,
    Event,
    MemberActivated,
    MemberDeactivated,
    MemberErased,
    MemberRegistered,
    MemberSignedUp,
    MemberUpdated,
    PasswordResetIssued,
    WrongCodeGiven,
)
from streams.domain.instants import INSTANT_RANGE, day_to_stored, is_in_range
from streams.domain.state import Member, Secret, State
from streams.domain.store import StoreSettings
from streams.domain.values import Cause, Profile
from streams.errors import Rejected


def register_member(state: State, command: RegisterMember, act: Act, store: StoreSettings) -> Iterator[Event]:
    _require_new(state, act)
    profile = _dated(identifiers.profile_of(command.profile, store.identifier_rules), store)
    yield MemberRegistered(
        **act.stamp("MemberRegistered"),
        profile=profile,
        registered_at=_registered_at(command, command.issued_at),
        phone_as_typed=_as_typed(command.profile, profile),
    )


def sign_up_member(state: State, command: SignUpMember, act: Act, store: StoreSettings) -> Iterator[Event]:
    _require_new(state, act)
    profile = _dated(identifiers.profile_of(command.profile, store.identifier_rules), store)
    code, number = _code(act)
    yield MemberSignedUp(
        **act.stamp("MemberSignedUp"),
        profile=profile,
        registered_at=_registered_at(command, command.issued_at),
        phone_as_typed=_as_typed(command.profile, profile),
        code=code,
        code_number=number,
    )


def activate_member(state: State, command: ActivateMember, act: Act) -> Iterator[Event]:
    member = require_member(state, act)
    if member.status == "active":
        raise Rejected("member_id", act.member_id, "is active already")
    if command.code is not None:
        yield from _tried(codes.find_code(state, ("activation",), command.code, act.now), act)
    yield MemberActivated(**act.stamp("MemberActivated"), first=not member.was_active)


def update_member(state: State, command: UpdateMember, act: Act, store: StoreSettings) -> Iterator[Event]:
    """Nothing where nothing changes."""
    member = require_member(state, act)
    profile = identifiers.profile_of(command.profile, store.identifier_rules, member.profile)
    profile = _dated(profile, store)
    registered_at = _registered_at(command, member.registered_at)
    if (profile, registered_at) != (_dated(member.profile, store), member.registered_at):
        yield member_updated_event(
            profile, registered_at, act, _phone_as_typed(member, command.profile, profile)
        )


def _dated(profile: Profile, store: StoreSettings) -> Profile:
    """The birthday as a day: a producer may have sent the midnight of the store's zone for it."""
    if profile.birth_date is None:
        return profile
    return replace(profile, birth_date=day_to_stored(store.calendar.stored_to_day(profile.birth_date)))


def _as_typed(said: Profile, kept: Profile) -> str | None:
    """The phone number as it came, where that is another text than the one that is kept."""
    return said.phone if said.phone != kept.phone else None


def _phone_as_typed(member: Member, said: Profile, kept: Profile) -> str | None:
    """As `_as_typed`; while the number is the same, as it came first."""
    return member.phone_as_typed if kept.phone == member.profile.phone else _as_typed(said, kept)


def _registered_at(command: RegisterMember | SignUpMember | UpdateMember, otherwise: datetime) -> datetime:
    at = command.registered_at or otherwise
    # Anniversaries are counted from it: they must not leave the calendar.
    if not is_in_range(at):
        raise Rejected("registered_at", at.isoformat(), INSTANT_RANGE)
    return at


def member_updated_event(
    profile: Profile,
    registered_at: datetime,
    act: Act,
    phone_as_typed: str | None,
    *,
    cause: Cause | None = None,
    index: int = 0,
) -> MemberUpdated:
    return MemberUpdated(
        **act.stamp("MemberUpdated", index),
        profile=profile,
        registered_at=registered_at,
        cause=cause,
        phone_as_typed=phone_as_typed,
    )


def request_contact_change(
    state: State, command: ChangeOwnEmail | ChangeOwnPhone, act: Act, store: StoreSettings
) -> Iterator[Event]:
    """A change of contact details holds once the code that was sent there has come back."""
    member = require_active_member(state, act)
    kind: Literal["email", "phone"]
    if isinstance(command, ChangeOwnEmail):
        kind, said, before = "email", command.email, member.profile.email
    else:
        kind, said, before = "phone", command.phone, member.profile.phone
    value = identifiers.read_field(kind, said, store.identifier_rules, kind)
    if value is None:
        raise Rejected(kind, said, "is empty")
    if value == before:
        raise Rejected(kind, said, "is the member's already")
    code, number = _code(act)
    yield ContactChangeAsked(
        **act.stamp("ContactChangeAsked"), kind=kind, value=value, code=code, code_number=number
    )


def confirm_contact_change(
    state: State, command: ConfirmChange, act: Act, store: StoreSettings
) -> Iterator[Event]:
    member = require_active_member(state, act)
    found = codes.find_code(state, codes.CONTACT_CHANGES, command.code, act.now)
    yield from _tried(found, act)
    said = apply_confirmed_change(member, found)
    profile = identifiers.profile_of(said, store.identifier_rules, member.profile)
    yield member_updated_event(profile, member.registered_at, act, _phone_as_typed(member, said, profile))


def confirmed_profile(state: State, command: ConfirmChange, act: Act) -> Profile | None:
    """The profile with what the code confirms; None: it is a wrong one."""
    member, found = (
        require_active_member(state, act),
        codes.find_code(state, codes.CONTACT_CHANGES, command.code, act.now),
    )
    return None if isinstance(found, codes.WrongCode) else apply_confirmed_change(member, found)


def apply_confirmed_change(member: Member, confirmed_profile: Secret | codes.WrongCode) -> Profile:
    if isinstance(confirmed_profile, codes.WrongCode):
        return member.profile
    return replace(member.profile, **{confirmed_profile.purpose: confirmed_profile.value})


def _tried(confirmed_profile: Secret | codes.WrongCode, act: Act) -> Iterator[Event]:
    """Raises Rejected for a wrong one, once it is on record."""
    if isinstance(confirmed_profile, codes.WrongCode):
        yield WrongCodeGiven(**act.stamp("WrongCodeGiven"), purposes=confirmed_profile.purposes)
        raise codes.WRONG_CODE


def send_code(state: State, command: SendActivationCode, act: Act) -> Iterator[Event]:  # noqa: ARG001
    member = require_member(state, act)
    if member.status == "active":
        raise Rejected("member_id", act.member_id, "is active already: it needs no activation code")
    code, number = _code(act)
    yield ActivationCodeIssued(**act.stamp("ActivationCodeIssued"), code=code, code_number=number)


def reset_password(state: State, command: RequestPasswordReset, act: Act) -> Iterator[Event]:  # noqa: ARG001
    member = require_active_member(state, act)
    if not member.signed_up:
        raise Rejected("member_id", act.member_id, "did not sign up alone: it has no password of its own")
    code, number = _code(act)
    yield PasswordResetIssued(**act.stamp("PasswordResetIssued"), code=code, code_number=number)


def deactivate_member(state: State, command: DeactivateMember, act: Act) -> Iterator[Event]:  # noqa: ARG001
    member = require_member(state, act)
    if member.status == "deactivated":
        raise Rejected("member_id", act.member_id, "is deactivated already")
    yield MemberDeactivated(**act.stamp("MemberDeactivated"))


def erase_member(state: State, command: EraseMember, act: Act) -> Iterator[Event]:  # noqa: ARG001
    """Nothing where the member is erased already."""
    member = require_member(state, act)
    if member.erased_at:
        return
    if member.status != "deactivated":
        yield MemberDeactivated(**act.stamp("MemberDeactivated"))
    yield MemberErased(**act.stamp("MemberErased"))


def require_not_erased(state: State, act: Act) -> None:
    """Raises Rejected where the member is erased: nothing may be known of it again."""
    member = state.get(Member)
    if member and member.erased_at:
        raise Rejected("member_id", act.member_id, f"was erased on {member.erased_at:%Y-%m-%d}, for good")


def require_member(state: State, act: Act) -> Member:
    """The member, whatever the account's status, or Rejected."""
    member = state.get(Member)
    if member is None:
        raise Rejected("member_id", act.member_id, f"is not registered in store {act.store!r}")
    return member


def require_active_member(state: State, act: Act) -> Member:
    """The member, whose account is active, or Rejected."""
    member = require_member(state, act)
    if member.status != "active":
        raise Rejected("member_id", act.member_id, f"is {member.status} in store {act.store!r}")
    return member


def is_active(state: State) -> bool:
    member = state.get(Member)
    return member is not None and member.status == "active"


def _require_new(state: State, act: Act) -> None:
    if state.get(Member):
        raise Rejected("member_id", act.member_id, f"is already registered in store {act.store!r}")


def _code(act: Act) -> tuple[str, int]:
    """A token and a number of six digits. They follow from the command's id: nobody can guess them who does
    not know it, so producers draw these commands' ids at random."""
    token = act.id("code").replace("-", "")
    return token, 100_000 + int(token[:12], 16) % 900_000

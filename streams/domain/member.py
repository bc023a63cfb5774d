"""Rules of accounts: registration, activation, changes, closing and erasure."""

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
from streams.domain.event_context import EventContext
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


def register_member(
    state: State, command: RegisterMember, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    _require_not_registered(state, context)
    profile = _with_utc_birthday(identifiers.profile_of(command.profile, store.identifier_rules), store)
    yield MemberRegistered(
        **context.stamp("MemberRegistered"),
        profile=profile,
        registered_at=_registered_at(command, command.issued_at),
        phone_as_typed=_phone_if_typed_differently(command.profile, profile),
    )


def sign_up_member(
    state: State, command: SignUpMember, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    _require_not_registered(state, context)
    profile = _with_utc_birthday(identifiers.profile_of(command.profile, store.identifier_rules), store)
    code, number = _derive_code(context)
    yield MemberSignedUp(
        **context.stamp("MemberSignedUp"),
        profile=profile,
        registered_at=_registered_at(command, command.issued_at),
        phone_as_typed=_phone_if_typed_differently(command.profile, profile),
        code=code,
        code_number=number,
    )


def activate_member(state: State, command: ActivateMember, context: EventContext) -> Iterator[Event]:
    member = require_member(state, context)
    if member.status == "active":
        raise Rejected("member_id", context.member_id, "is active already")
    if command.code is not None:
        yield from _require_right_code(
            codes.find_code(state, ("activation",), command.code, context.now), context
        )
    yield MemberActivated(**context.stamp("MemberActivated"), first=not member.was_active)


def update_member(
    state: State, command: UpdateMember, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    """Yields nothing if nothing changes."""
    member = require_member(state, context)
    profile = identifiers.profile_of(command.profile, store.identifier_rules, member.profile)
    profile = _with_utc_birthday(profile, store)
    registered_at = _registered_at(command, member.registered_at)
    if (profile, registered_at) != (_with_utc_birthday(member.profile, store), member.registered_at):
        yield member_updated_event(
            profile, registered_at, context, _phone_as_typed(member, command.profile, profile)
        )


def _with_utc_birthday(profile: Profile, store: StoreSettings) -> Profile:
    """The profile with the birthday as a UTC day: a producer may have sent midnight in the store's zone."""
    if profile.birth_date is None:
        return profile
    return replace(profile, birth_date=day_to_stored(store.calendar.stored_to_day(profile.birth_date)))


def _phone_if_typed_differently(said: Profile, kept: Profile) -> str | None:
    """The phone number as it was typed, or None if it is stored in the same form."""
    return said.phone if said.phone != kept.phone else None


def _phone_as_typed(member: Member, said: Profile, kept: Profile) -> str | None:
    """As `_phone_if_typed_differently`; while the number stays the same, the first typed form is kept."""
    return (
        member.phone_as_typed
        if kept.phone == member.profile.phone
        else _phone_if_typed_differently(said, kept)
    )


def _registered_at(command: RegisterMember | SignUpMember | UpdateMember, otherwise: datetime) -> datetime:
    at = command.registered_at or otherwise
    # Anniversaries are computed from it and must not overflow.
    if not is_in_range(at):
        raise Rejected("registered_at", at.isoformat(), INSTANT_RANGE)
    return at


def member_updated_event(
    profile: Profile,
    registered_at: datetime,
    context: EventContext,
    phone_as_typed: str | None,
    *,
    cause: Cause | None = None,
    index: int = 0,
) -> MemberUpdated:
    return MemberUpdated(
        **context.stamp("MemberUpdated", index),
        profile=profile,
        registered_at=registered_at,
        cause=cause,
        phone_as_typed=phone_as_typed,
    )


def request_contact_change(
    state: State, command: ChangeOwnEmail | ChangeOwnPhone, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    """Requests a change of contact details, which applies once the code that is sent there is confirmed."""
    member = require_active_member(state, context)
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
    code, number = _derive_code(context)
    yield ContactChangeAsked(
        **context.stamp("ContactChangeAsked"), kind=kind, value=value, code=code, code_number=number
    )


def confirm_contact_change(
    state: State, command: ConfirmChange, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    member = require_active_member(state, context)
    found = codes.find_code(state, codes.CONTACT_CHANGES, command.code, context.now)
    yield from _require_right_code(found, context)
    said = apply_confirmed_change(member, found)
    profile = identifiers.profile_of(said, store.identifier_rules, member.profile)
    yield member_updated_event(profile, member.registered_at, context, _phone_as_typed(member, said, profile))


def confirmed_profile(state: State, command: ConfirmChange, context: EventContext) -> Profile | None:
    """The profile with the change that the code confirms, or None if the code is wrong."""
    member, found = (
        require_active_member(state, context),
        codes.find_code(state, codes.CONTACT_CHANGES, command.code, context.now),
    )
    return None if isinstance(found, codes.WrongCode) else apply_confirmed_change(member, found)


def apply_confirmed_change(member: Member, confirmed_profile: Secret | codes.WrongCode) -> Profile:
    if isinstance(confirmed_profile, codes.WrongCode):
        return member.profile
    return replace(member.profile, **{confirmed_profile.purpose: confirmed_profile.value})


def _require_right_code(
    confirmed_profile: Secret | codes.WrongCode, context: EventContext
) -> Iterator[Event]:
    """Yields the failed try, then raises Rejected, if the code is wrong."""
    if isinstance(confirmed_profile, codes.WrongCode):
        yield WrongCodeGiven(**context.stamp("WrongCodeGiven"), purposes=confirmed_profile.purposes)
        raise codes.WRONG_CODE


def send_code(state: State, command: SendActivationCode, context: EventContext) -> Iterator[Event]:  # noqa: ARG001
    member = require_member(state, context)
    if member.status == "active":
        raise Rejected("member_id", context.member_id, "is active already: it needs no activation code")
    code, number = _derive_code(context)
    yield ActivationCodeIssued(**context.stamp("ActivationCodeIssued"), code=code, code_number=number)


def reset_password(state: State, command: RequestPasswordReset, context: EventContext) -> Iterator[Event]:  # noqa: ARG001
    member = require_active_member(state, context)
    if not member.signed_up:
        raise Rejected("member_id", context.member_id, "did not sign up alone: it has no password of its own")
    code, number = _derive_code(context)
    yield PasswordResetIssued(**context.stamp("PasswordResetIssued"), code=code, code_number=number)


def deactivate_member(state: State, command: DeactivateMember, context: EventContext) -> Iterator[Event]:  # noqa: ARG001
    member = require_member(state, context)
    if member.status == "deactivated":
        raise Rejected("member_id", context.member_id, "is deactivated already")
    yield MemberDeactivated(**context.stamp("MemberDeactivated"))


def erase_member(state: State, command: EraseMember, context: EventContext) -> Iterator[Event]:  # noqa: ARG001
    """Yields nothing if the member is erased already."""
    member = require_member(state, context)
    if member.erased_at:
        return
    if member.status != "deactivated":
        yield MemberDeactivated(**context.stamp("MemberDeactivated"))
    yield MemberErased(**context.stamp("MemberErased"))


def require_not_erased(state: State, context: EventContext) -> None:
    """Raises Rejected if the member is erased: no new data may be stored."""
    member = state.get(Member)
    if member and member.erased_at:
        raise Rejected("member_id", context.member_id, f"was erased on {member.erased_at:%Y-%m-%d}, for good")


def require_member(state: State, context: EventContext) -> Member:
    """The member, in any account status. Raises Rejected if there is none."""
    member = state.get(Member)
    if member is None:
        raise Rejected("member_id", context.member_id, f"is not registered in store {context.store!r}")
    return member


def require_active_member(state: State, context: EventContext) -> Member:
    """The member with an active account. Raises Rejected if there is none."""
    member = require_member(state, context)
    if member.status != "active":
        raise Rejected("member_id", context.member_id, f"is {member.status} in store {context.store!r}")
    return member


def is_active(state: State) -> bool:
    member = state.get(Member)
    return member is not None and member.status == "active"


def _require_not_registered(state: State, context: EventContext) -> None:
    if state.get(Member):
        raise Rejected("member_id", context.member_id, f"is already registered in store {context.store!r}")


def _derive_code(context: EventContext) -> tuple[str, int]:
    """A token and a six-digit number, both derived from the command's id. Whoever knows the id knows the
    code: producers must use random ids for these commands."""
    token = context.id("code").replace("-", "")
    return token, 100_000 + int(token[:12], 16) % 900_000

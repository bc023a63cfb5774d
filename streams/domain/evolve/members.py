"""What changes of accounts, tiers and campaigns change."""

from collections.abc import Iterator
from typing import assert_never

from msgspec.structs import replace

from streams.domain import tier
from streams.domain.events import (
    ActivationCodeIssued,
    CampaignApplied,
    ContactChangeAsked,
    CustomEventRecorded,
    MemberActivated,
    MemberDeactivated,
    MemberErased,
    MemberEvent,
    MemberRegistered,
    MemberSignedUp,
    MemberUpdated,
    PasswordResetIssued,
    TierChanged,
    TierExpiryAnnounced,
    TierFloorRemoved,
    TierRecalculated,
    WrongCodeGiven,
)
from streams.domain.evolve.erasure import member_erased
from streams.domain.evolve.tiers import evolve_tier, rejoined
from streams.domain.state import CampaignUse, Change, Drop, Member, Secret, Standing, State
from streams.domain.store import StoreSettings


def evolve_member(state: State, event: MemberEvent, store: StoreSettings) -> Iterator[Change]:
    match event:
        case MemberRegistered() | MemberSignedUp():
            yield from _opened(event)
        case MemberActivated():
            yield replace(_member(state, event.member_id), status="active")
            yield from _used(state, "activation")
            # Closed accounts have no timers.
            for standing in list(state.scan(Standing)):
                yield tier.schedule_standing(state, standing, store, event.occurred_at)
        case MemberUpdated():
            yield from _updated(state, event, store)
        case ContactChangeAsked() | ActivationCodeIssued() | PasswordResetIssued():
            yield _secret(event)
        case WrongCodeGiven():
            yield from _tried(state, event)
        case MemberDeactivated():
            member = _member(state, event.member_id)
            was_active = member.was_active or member.status == "active"
            yield replace(member, status="deactivated", was_active=was_active)
        case MemberErased():
            yield from member_erased(state, _member(state, event.member_id), event)
        case TierChanged() | TierFloorRemoved() | TierRecalculated() | TierExpiryAnnounced():
            yield from evolve_tier(state, event, store)
        case CustomEventRecorded():
            pass
        case CampaignApplied():
            use = state.get(CampaignUse, event.campaign_id.encode())
            yield CampaignUse(campaign_id=event.campaign_id, count=(use.count if use else 0) + 1)
        case _:
            assert_never(event)


def _opened(event: MemberRegistered | MemberSignedUp) -> Iterator[Change]:
    alone = isinstance(event, MemberSignedUp)
    yield Member(
        profile=event.profile,
        registered_at=event.registered_at,
        command_id=event.command_id,
        status="inactive" if alone else "active",
        signed_up=alone,
        phone_as_typed=event.phone_as_typed,
    )
    if isinstance(event, MemberSignedUp):
        yield _secret(event)


def _updated(state: State, event: MemberUpdated, store: StoreSettings) -> Iterator[Change]:
    before = _member(state, event.member_id)
    yield replace(
        before,
        profile=event.profile,
        registered_at=event.registered_at,
        phone_as_typed=event.phone_as_typed,
    )
    if event.registered_at != before.registered_at:
        yield from rejoined(state, event, store)
    # A code that was sent for what has changed since confirms nothing any more.
    if event.profile.email != before.profile.email:
        yield from _used(state, "email")
    if event.profile.phone != before.profile.phone:
        yield from _used(state, "phone")


def _secret(
    event: MemberSignedUp | ContactChangeAsked | ActivationCodeIssued | PasswordResetIssued,
) -> Change:
    asked = event if isinstance(event, ContactChangeAsked) else None
    return Secret(
        purpose=asked.kind
        if asked
        else "password"
        if isinstance(event, PasswordResetIssued)
        else "activation",
        code=event.code,
        code_number=event.code_number,
        value=asked.value if asked else None,
        issued_at=event.occurred_at,
    )


def _tried(state: State, event: WrongCodeGiven) -> Iterator[Change]:
    for purpose in event.purposes:
        secret = state.get(Secret, purpose.encode())
        if secret:
            yield replace(secret, wrong=secret.wrong + 1)


def _used(state: State, purpose: str) -> Iterator[Change]:
    secret = state.get(Secret, purpose.encode())
    if secret:
        yield Drop(entry=secret)


def _member(state: State, member_id: str) -> Member:
    member = state.get(Member)
    if member is None:
        raise LookupError(f"member {member_id} has facts but no account")
    return member

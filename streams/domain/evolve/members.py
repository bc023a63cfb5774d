"""Applies facts about accounts and campaigns."""

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
            yield from _open_account(event)
        case MemberActivated():
            yield replace(_require_member(state, event.member_id), status="active")
            yield from _count_campaign_use(state, "activation")
            # Closed accounts have no timers.
            for standing in list(state.scan(Standing)):
                yield tier.schedule_standing(state, standing, store, event.occurred_at)
        case MemberUpdated():
            yield from _update_profile(state, event, store)
        case ContactChangeAsked() | ActivationCodeIssued() | PasswordResetIssued():
            yield _store_code(event)
        case WrongCodeGiven():
            yield from _count_wrong_code(state, event)
        case MemberDeactivated():
            member = _require_member(state, event.member_id)
            was_active = member.was_active or member.status == "active"
            yield replace(member, status="deactivated", was_active=was_active)
        case MemberErased():
            yield from member_erased(state, _require_member(state, event.member_id), event)
        case TierChanged() | TierFloorRemoved() | TierRecalculated() | TierExpiryAnnounced():
            yield from evolve_tier(state, event, store)
        case CustomEventRecorded():
            pass
        case CampaignApplied():
            use = state.get(CampaignUse, event.campaign_id.encode())
            yield CampaignUse(campaign_id=event.campaign_id, count=(use.count if use else 0) + 1)
        case _:
            assert_never(event)


def _open_account(event: MemberRegistered | MemberSignedUp) -> Iterator[Change]:
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
        yield _store_code(event)


def _update_profile(state: State, event: MemberUpdated, store: StoreSettings) -> Iterator[Change]:
    before = _require_member(state, event.member_id)
    yield replace(
        before,
        profile=event.profile,
        registered_at=event.registered_at,
        phone_as_typed=event.phone_as_typed,
    )
    if event.registered_at != before.registered_at:
        yield from rejoined(state, event, store)
    # Codes for a contact detail that has changed since are void.
    if event.profile.email != before.profile.email:
        yield from _count_campaign_use(state, "email")
    if event.profile.phone != before.profile.phone:
        yield from _count_campaign_use(state, "phone")


def _store_code(
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


def _count_wrong_code(state: State, event: WrongCodeGiven) -> Iterator[Change]:
    for purpose in event.purposes:
        secret = state.get(Secret, purpose.encode())
        if secret:
            yield replace(secret, wrong=secret.wrong + 1)


def _count_campaign_use(state: State, purpose: str) -> Iterator[Change]:
    secret = state.get(Secret, purpose.encode())
    if secret:
        yield Drop(entry=secret)


def _require_member(state: State, member_id: str) -> Member:
    member = state.get(Member)
    if member is None:
        raise LookupError(f"member {member_id} has facts but no account")
    return member

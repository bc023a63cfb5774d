"""Facts about a member's account, tiers and campaigns."""

from typing import Literal

from streams.domain.events.fact import Fact
from streams.domain.values import (
    Attribute,
    Cause,
    EffectGiven,
    Instant,
    Profile,
    Text,
    Trigger,
    Uuid,
)


class MemberRegistered(Fact):
    """`phone_as_typed` is the number as it was sent, if the profile has it in another form."""

    profile: Profile
    registered_at: Instant
    phone_as_typed: Text | None = None


class MemberSignedUp(Fact):
    """The account is inactive until it is activated with `code`."""

    profile: Profile
    registered_at: Instant
    code: Text
    code_number: int
    phone_as_typed: Text | None = None


class MemberActivated(Fact):
    """`first`: the member signed up and was never active before."""

    first: bool


class MemberUpdated(Fact):
    """Holds the whole new profile."""

    profile: Profile
    registered_at: Instant
    cause: Cause | None
    phone_as_typed: Text | None = None


class ContactChangeAsked(Fact):
    """The member requested `value` as e-mail or phone; a code was sent there."""

    kind: Literal["email", "phone"]
    value: Text
    code: Text
    code_number: int


class ActivationCodeIssued(Fact):
    code: Text
    code_number: int


class PasswordResetIssued(Fact):
    code: Text
    code_number: int


class WrongCodeGiven(Fact):
    """A code was given that was not sent. Its command is rejected."""

    purposes: tuple[Text, ...]
    """The purposes whose codes it was compared with."""


class MemberDeactivated(Fact): ...


class MemberErased(Fact):
    """The member was erased: with the data key, the personal data of earlier facts became unreadable."""


class TierChanged(Fact):
    """`previous_level_id` is None for the first tier. `manual`: assigned by hand, as the lowest tier from now
    on."""

    tier_set_id: Uuid
    level_id: Uuid
    level_name: Text
    previous_level_id: Uuid | None
    up: bool
    manual: bool


class TierFloorRemoved(Fact):
    tier_set_id: Uuid


class TierRecalculated(Fact):
    """A period ended: values that are measured per period start again."""

    tier_set_id: Uuid
    due_at: Instant


class TierExpiryAnnounced(Fact):
    """The tier to come was announced to the member, `days` before the recalculation."""

    tier_set_id: Uuid
    level_id: Uuid
    level_name: Text
    future_level_id: Uuid | None
    future_level_name: Text | None
    recalculated_at: Instant
    days: int


class CustomEventRecorded(Fact):
    custom_event_type: Text
    custom_event_id: Uuid
    happened_at: Instant
    attributes: tuple[Attribute, ...]


class CampaignApplied(Fact):
    """A campaign ran. It comes after the facts of its effects."""

    campaign_id: Uuid
    campaign_name: Text
    trigger: Trigger
    effects: tuple[EffectGiven, ...]


MemberEvent = (
    MemberRegistered
    | MemberSignedUp
    | MemberActivated
    | MemberUpdated
    | ContactChangeAsked
    | ActivationCodeIssued
    | PasswordResetIssued
    | WrongCodeGiven
    | MemberDeactivated
    | MemberErased
    | TierChanged
    | TierFloorRemoved
    | TierRecalculated
    | TierExpiryAnnounced
    | CustomEventRecorded
    | CampaignApplied
)

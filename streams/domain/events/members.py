"""What happened to a member's account, tier and campaigns."""

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
    """`phone_as_typed`: the number as it came, where the profile has it in another form."""

    profile: Profile
    registered_at: Instant
    phone_as_typed: Text | None = None


class MemberSignedUp(Fact):
    """Inactive until activated with `code`, which was sent along."""

    profile: Profile
    registered_at: Instant
    code: Text
    code_number: int
    phone_as_typed: Text | None = None


class MemberActivated(Fact):
    """`first`: the member signed up and was never active before."""

    first: bool


class MemberUpdated(Fact):
    """The profile from now on, whole."""

    profile: Profile
    registered_at: Instant
    cause: Cause | None
    phone_as_typed: Text | None = None


class ContactChangeAsked(Fact):
    """The member wants `value` for e-mail or phone, and was sent a code there."""

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
    """A code came that is none of those that were sent; the command that brought it is refused."""

    purposes: tuple[Text, ...]
    """What the codes were sent for that it was tried on."""


class MemberDeactivated(Fact): ...


class MemberErased(Fact):
    """Nothing is known any more of who the member was. What was personal in its facts went with its key."""


class TierChanged(Fact):
    """`previous_level_id` None: the first one. `manual`: assigned by hand, the
    least from now on."""

    tier_set_id: Uuid
    level_id: Uuid
    level_name: Text
    previous_level_id: Uuid | None
    up: bool
    manual: bool


class TierFloorRemoved(Fact):
    tier_set_id: Uuid


class TierRecalculated(Fact):
    """A period is over: what counts per period counts from here."""

    tier_set_id: Uuid
    due_at: Instant


class TierExpiryAnnounced(Fact):
    """The member was told, `days` before, of the tier that the recalculation would lead to."""

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
    """Follows the facts of its effects."""

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

"""Runs a store's campaigns: rules, stored as settings, that react to what a member does."""

from collections.abc import Callable, Iterator
from decimal import ROUND_DOWN, Decimal
from typing import NamedTuple

from msgspec.structs import replace

from streams.domain import returns
from streams.domain.conditions import CampaignTrigger, is_met
from streams.domain.event_context import EventContext
from streams.domain.events import CampaignApplied, Event
from streams.domain.ledger import draw_and_spend, earn_units, get_account, units_until_limit
from streams.domain.member import member_updated_event
from streams.domain.reward import issue_reward
from streams.domain.rules import Campaign, Effect
from streams.domain.state import CampaignUse, Member, State
from streams.domain.store import StoreSettings, WalletType
from streams.domain.values import MAX_AMOUNT, SMALLEST_UNIT, Attribute, Cause, EffectGiven, EffectType


class _CampaignRun(NamedTuple):
    """One campaign that runs for one trigger; `place` is its index among the store's campaigns."""

    campaign: Campaign
    place: int
    occasion: CampaignTrigger
    state: State
    context: EventContext
    store: StoreSettings

    @property
    def cause(self) -> Cause:
        trigger = self.occasion.trigger
        of_transaction = trigger.type in ("transaction", "return_transaction")
        return Cause(
            campaign_id=self.campaign.campaign_id,
            transaction_id=trigger.trigger_id if of_transaction else None,
            custom_event_id=trigger.trigger_id if trigger.type == "custom_event" else None,
            internal_event_name=trigger.event_name if trigger.type == "internal_event" else None,
            performed_at=trigger.performed_at,
        )


def run_campaigns(
    occasion: CampaignTrigger, state: State, context: EventContext, store: StoreSettings
) -> Iterator[Event]:
    """The events of the store's campaigns, in the campaigns' order; each campaign sees the effects of those
    before it."""
    for index, campaign in enumerate(store.campaigns):
        run = _CampaignRun(campaign, index, occasion, state, context, store)
        if _is_triggered(run):
            yield from _apply_effects(run)


def _is_triggered(run: _CampaignRun) -> bool:
    campaign, trigger, state, context = run.campaign, run.occasion.trigger, run.state, run.context
    if not campaign.active or campaign.trigger != trigger.type:
        return False
    if campaign.event and campaign.event != trigger.event_name:
        return False
    moment = context.now if run.store.campaign_time == "processing" else run.occasion.happened_at
    if (campaign.active_from and moment < campaign.active_from) or (
        campaign.active_to and moment >= campaign.active_to
    ):
        return False
    if campaign.per_member_limit is not None:
        use = state.get(CampaignUse, campaign.campaign_id.encode())
        if use and use.count >= campaign.per_member_limit:
            return False
    return all(is_met(condition, run.occasion, state, run.store) for condition in campaign.conditions)


def _apply_effects(run: _CampaignRun) -> Iterator[Event]:
    given = []
    for number, effect in _numbered_effects(run.campaign, run.place):
        outcome, event = _EFFECT_RULES[effect.type](run, effect, number)
        given.append(outcome)
        if event:
            yield event
    if any(outcome.status == "success" for outcome in given):
        yield CampaignApplied(
            **run.context.stamp("CampaignApplied", run.place),
            campaign_id=run.campaign.campaign_id,
            campaign_name=run.campaign.name,
            trigger=run.occasion.trigger,
            effects=tuple(given),
        )


def _numbered_effects(campaign: Campaign, index: int) -> Iterator[tuple[int, Effect]]:
    """The campaign's effects, each with a number that is unique within the store."""
    if campaign.points_per_currency_unit:
        short = Effect(
            type="give_points",
            points_per_currency_unit=campaign.points_per_currency_unit,
            wallet=campaign.wallet,
            expires_after_days=campaign.expires_after_days,
        )
        yield index, short
    for place, effect in enumerate(campaign.effects):
        yield 1000 + index * 100 + place, effect


EffectOutcome = tuple[EffectGiven, Event | None]


def _effect_units(effect: Effect, occasion: CampaignTrigger) -> Decimal:
    rate = effect.points_per_currency_unit or Decimal(0)
    return (effect.points or Decimal(0)) + occasion.gross_value * rate


def _give_units(run: _CampaignRun, effect: Effect, number: int) -> EffectOutcome:
    """Gives units, rounded down to six decimals, so that a member never gets more than the rule promises. An
    effect that the wallet cannot take is skipped: the purchase is a fact and must not be rejected for it."""
    wallet = run.store.wallet(effect.wallet)
    units = _effect_units(effect, run.occasion)
    # Compared before rounding: a number that exceeds the wallet may have too many digits to be rounded.
    if not wallet or units >= units_until_limit(run.state, wallet) + SMALLEST_UNIT or units < SMALLEST_UNIT:
        return _skipped_effect(effect), None
    units, trigger = units.quantize(SMALLEST_UNIT, rounding=ROUND_DOWN), run.occasion.trigger
    event = earn_units(
        wallet,
        units,
        run.context,
        run.store,
        expires_in_days=effect.expires_after_days,
        never_expires=effect.expiry == "never_expires",
        locked_for_days=effect.locked_for_days,
        comment=run.campaign.name,
        cause=run.cause,
        purchase=trigger.document_number if trigger.type == "transaction" else None,
        index=number,
    )
    return EffectGiven(type=effect.type, wallet=wallet.code, points=units), event


def _deduct_units(run: _CampaignRun, effect: Effect, number: int) -> EffectOutcome:
    """Deducts what is available if that is less than the rule says: a purchase must not fail for it."""
    wallet = run.store.wallet(effect.wallet)
    if not wallet:
        return _skipped_effect(effect), None
    if run.occasion.trigger.type == "return_transaction":
        return _take_back_units(run, effect, wallet, number)
    units = min(_effect_units(effect, run.occasion), get_account(run.state, wallet.code).spendable)
    if units < SMALLEST_UNIT:
        return _skipped_effect(effect), None
    units = units.quantize(SMALLEST_UNIT, rounding=ROUND_DOWN)
    event = draw_and_spend(
        run.state, wallet, units, run.context, comment=run.campaign.name, cause=run.cause, index=number
    )
    return EffectGiven(type=effect.type, wallet=wallet.code, points=units), event


def _take_back_units(run: _CampaignRun, effect: Effect, wallet: WalletType, number: int) -> EffectOutcome:
    """Takes units back for a return that names no purchase. A return that names one has taken back that
    purchase's units already."""
    units = min(_effect_units(effect, run.occasion), MAX_AMOUNT)
    if units < SMALLEST_UNIT or returns.is_purchase_known(run.state, run.occasion.linked_document_number):
        return _skipped_effect(effect), None
    event = returns.deduct_for_return(
        run.state,
        wallet.code,
        units.quantize(SMALLEST_UNIT, rounding=ROUND_DOWN),
        run.context,
        run.store,
        comment=run.campaign.name,
        cause=run.cause,
        index=number,
    )
    taken = event.units - event.waived
    if not taken:
        return _skipped_effect(effect), None
    return EffectGiven(type=effect.type, wallet=wallet.code, points=taken), event


def _give_reward(run: _CampaignRun, effect: Effect, number: int) -> EffectOutcome:
    reward = run.store.reward(effect.reward_id or "")
    if reward is None:
        return _skipped_effect(effect), None
    event = issue_reward(reward, run.context, run.store, number, cause=run.cause)
    value = event.coupon.value if event.coupon else None
    return EffectGiven(type=effect.type, reward_id=reward.reward_id, coupon_value=value), event


def _set_attribute(run: _CampaignRun, effect: Effect, number: int) -> EffectOutcome:
    member = run.state.get(Member)
    if member is None or effect.attribute is None:
        return _skipped_effect(effect), None
    given = effect.attribute
    others = tuple(a for a in member.profile.custom_attributes if a.key != given.key)
    attributes: tuple[Attribute, ...] = others
    if effect.type == "assign_member_custom_attribute":
        attributes = (*others, given)
    if attributes == member.profile.custom_attributes:
        return _skipped_effect(effect), None
    profile = replace(member.profile, custom_attributes=attributes)
    event = member_updated_event(
        profile, member.registered_at, run.context, member.phone_as_typed, cause=run.cause, index=number
    )
    return EffectGiven(type=effect.type, attribute=given), event


def _skipped_effect(effect: Effect) -> EffectGiven:
    return EffectGiven(
        type=effect.type,
        status="skipped",
        wallet=effect.wallet,
        reward_id=effect.reward_id,
        attribute=effect.attribute,
    )


_EFFECT_RULES: dict[EffectType, Callable[[_CampaignRun, Effect, int], EffectOutcome]] = {
    "give_points": _give_units,
    "deduct_unit": _deduct_units,
    "give_reward": _give_reward,
    "assign_member_custom_attribute": _set_attribute,
    "remove_member_custom_attribute": _set_attribute,
}

"""Laws that hold whatever members do, in whichever order the stages take their turns."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from streams.codec.avro import decode, encode
from streams.domain import tier
from streams.domain.commands import (
    ActivateMember,
    ActivateUnits,
    AddUnits,
    AssignReward,
    AssignTier,
    BlockUnits,
    CancelTransfer,
    ChangeRedemptionStatus,
    Command,
    DeactivateMember,
    ExpireUnits,
    RecordCustomEvent,
    RegisterMember,
    RegisterTransaction,
    ReinstateCoupon,
    RemoveManualTier,
    SignUpMember,
    SpendUnits,
    TransferUnits,
    UpdateMember,
    UseCoupon,
)
from streams.domain.event_context import EventContext
from streams.domain.events import (
    CouponExpired,
    CouponExpiryAnnounced,
    CouponReinstated,
    CouponUsed,
    RewardBought,
    TierChanged,
    TierFloorRemoved,
    UnitsBlocked,
    UnitsCancelled,
    UnitsEarned,
    UnitsHeld,
    UnitsReceived,
    UnitsReleased,
    UnitsSent,
)
from streams.domain.state import Account, Held, Lot, Member, PendingLot, Standing
from streams.domain.store import StoreSettings
from streams.domain.values import Profile
from streams.stages.commands import owner_of
from streams.stages.context import Record
from streams.stages.restore_proof import unbalanced_wallets
from streams.tables.owner_entries import OwnerState
from streams.tables.tables import Tables
from streams.topics import COMMANDS, IDENTITY_REQUESTS, WEBHOOK_EVENTS
from streams.webhooks import CATALOGUE
from streams.webhooks.events import AvailablePointsAmountChanged
from tests.domain.apart import Apart
from tests.domain.making import made
from tests.domain.test_ledger_laws import facts, replayed
from tests.domain.whole_store import TIER_SETS, WHOLE
from tests.driver import all_of
from tests.samples import ANNA, BORIS, NOON, STORE, VOUCHER, purchase, uid

STORED: StoreSettings = decode(StoreSettings, *encode(WHOLE))
MEMBERS = st.sampled_from([ANNA, BORIS])
RECEIVERS = st.sampled_from([ANNA, BORIS, uid(3)])
WALLETS = st.sampled_from([None, "gold"])
UNITS = st.sampled_from(["0.000001", "1", "7.5", "60", "100"]).map(Decimal)
DAYS = st.none() | st.sampled_from([1, 5, 12, 30])
SPANS = st.sampled_from([1, 24, 24 * 9, 24 * 40]).map(lambda hours: timedelta(hours=hours))
EMAILS = st.sampled_from([None, "a@example.com", "b@example.com"])
TOPICS = st.sampled_from([COMMANDS.name, COMMANDS.name, IDENTITY_REQUESTS.name, WEBHOOK_EVENTS.name])
LEVELS = st.sampled_from([t.level_id for tiers in TIER_SETS for t in tiers.tiers])
STATUSES = st.sampled_from(["issued", "shipped", "canceled", "completed"])


class WholeMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.run = Apart(STORED, now=NOON)
        self.count = 0

    def send(self, kind: type[Command], member: str, **fields: Any) -> None:
        """Ids that do not depend on what ran before: a failure is found again."""
        self.count += 1
        fields = {"command_id": uid(100_000 + self.count), **fields}
        self.run.put(made(kind, member, self.run.now, **fields))

    @initialize()
    def most_stories_begin_with_two_members_and_points(self) -> None:
        for member in (ANNA, BORIS):
            self.register(member, None, alone=False, before=timedelta(0))
            self.add(member, Decimal(100), None, 12, None)
        self.run.drain()

    @rule(member=MEMBERS, email=EMAILS, alone=st.booleans(), before=SPANS)
    def register(self, member: str, email: str | None, alone: bool, before: timedelta) -> None:
        kind = SignUpMember if alone else RegisterMember
        self.send(kind, member, profile=Profile(email=email), registered_at=self.run.now - before)

    @rule(member=MEMBERS, email=EMAILS, before=st.none() | SPANS)
    def update(self, member: str, email: str | None, before: timedelta | None) -> None:
        at = None if before is None else self.run.now - before
        self.send(UpdateMember, member, profile=Profile(email=email), registered_at=at)

    @rule(member=MEMBERS, kind=st.sampled_from([DeactivateMember, ActivateMember, ActivateMember]))
    def close_or_open(self, member: str, kind: type[Command]) -> None:
        self.send(kind, member)

    @rule(member=MEMBERS, units=UNITS, wallet=WALLETS, days=DAYS, locked=st.none() | st.just(3))
    def add(
        self, member: str, units: Decimal, wallet: str | None, days: int | None, locked: int | None
    ) -> None:
        self.send(AddUnits, member, units=units, wallet=wallet, expires_in_days=days, locked_for_days=locked)

    @rule(member=MEMBERS, units=UNITS, wallet=WALLETS, kind=st.sampled_from([SpendUnits, BlockUnits]))
    def spend_or_block(self, member: str, units: Decimal, wallet: str | None, kind: type[Command]) -> None:
        self.send(kind, member, units=units, wallet=wallet)

    @rule(member=MEMBERS, to=RECEIVERS, units=UNITS, wallet=WALLETS)
    def transfer(self, member: str, to: str, units: Decimal, wallet: str | None) -> None:
        self.send(TransferUnits, member, receiver_id=to, units=units, wallet=wallet)

    @rule(
        member=MEMBERS,
        kind=st.sampled_from([CancelTransfer, CancelTransfer, ActivateUnits, ExpireUnits]),
        data=st.data(),
    )
    def after_the_fact(self, member: str, kind: type[Command], data: st.DataObject) -> None:
        kinds = (UnitsEarned, UnitsBlocked, UnitsHeld, UnitsReceived)
        known = [e.transfer_id for e in facts(self.run) if isinstance(e, kinds) and e.member_id == member]
        self.send(kind, member, transfer_id=data.draw(st.sampled_from([uid(1), *known])))

    @rule(member=MEMBERS, dollars=UNITS, document=st.sampled_from("ABCDEF"), back=st.booleans())
    def purchase(self, member: str, dollars: Decimal, document: str, back: bool) -> None:
        items = purchase(str(dollars), document).items
        kind = "return" if back else "sell"
        self.send(
            RegisterTransaction,
            member,
            document_number=document,
            purchased_at=self.run.now,
            items=items,
            document_type=kind,
        )

    @rule(member=MEMBERS)
    def visit(self, member: str) -> None:
        self.send(
            RecordCustomEvent,
            member,
            event_type="visit",
            event_id=uid(200_000 + self.count),
            happened_at=self.run.now,
        )

    @rule(member=MEMBERS, quantity=st.integers(1, 2))
    def reward(self, member: str, quantity: int) -> None:
        self.send(AssignReward, member, reward_id=VOUCHER, quantity=quantity)

    @rule(kind=st.sampled_from([UseCoupon, UseCoupon, ReinstateCoupon]), data=st.data())
    def coupon(self, kind: type[Command], data: st.DataObject) -> None:
        bought = data.draw(st.sampled_from([None, *self.run.facts(RewardBought)]))
        if bought and bought.coupon:
            self.send(kind, bought.member_id, code=bought.coupon.code)

    @rule(status=STATUSES, data=st.data())
    def redemption(self, status: str, data: st.DataObject) -> None:
        bought = data.draw(st.sampled_from([None, *self.run.facts(RewardBought)]))
        if bought:
            self.send(
                ChangeRedemptionStatus,
                bought.member_id,
                issued_reward_id=bought.issued_reward_id,
                status=status,
            )

    @rule(member=MEMBERS, level=LEVELS)
    def tier_by_hand(self, member: str, level: str) -> None:
        self.send(AssignTier, member, level_id=level)

    @rule(member=MEMBERS, tiers=st.sampled_from(TIER_SETS))
    def tier_by_rule(self, member: str, tiers: Any) -> None:
        self.send(RemoveManualTier, member, tier_set_id=tiers.tier_set_id)

    @rule(topic=TOPICS, most=st.integers(1, 4))
    def a_stage_takes_its_turn(self, topic: str, most: int) -> None:
        self.run.step(topic, most)

    @rule()
    def all_take_theirs(self) -> None:
        self.run.drain()

    @rule(span=SPANS)
    def time_passes(self, span: timedelta) -> None:
        self.run.at(self.run.now + span)

    @rule(span=SPANS)
    def time_passes_and_timers_lag(self, span: timedelta) -> None:
        self.run.now += span

    def states(self) -> Iterator[OwnerState]:
        for member in (ANNA, BORIS):
            yield self.run.tables.of(owner_of(STORE, member))

    @invariant()
    def accounts_are_the_sum_of_their_parts(self) -> None:
        for state in self.states():
            for account in state.scan(Account):
                gone = [e for e in self.run.facts(UnitsCancelled) if e.pending]
                mine = [e for e in gone if owner_of(STORE, e.member_id) == state.owner]
                never = sum((e.units for e in mine if e.wallet == account.wallet), Decimal(0))
                assert_sums(state, account, never)

    @invariant()
    def what_a_restore_proves_holds(self) -> None:
        assert list(unbalanced_wallets(self.run.tables)) == []

    @invariant()
    def nothing_is_put_aside(self) -> None:
        assert self.run.poison() == []

    def teardown(self) -> None:
        self.run.drain()
        self.no_transfer_is_half_done()
        self.a_second_evaluation_moves_no_tier()
        self.ids_never_repeat()
        self.balances_are_told_without_gaps()
        self.no_tier_falls_below_its_floor()
        self.coupons_end_once()
        self.facts_alone_give_the_books()

    def no_transfer_is_half_done(self) -> None:
        held, sent = self.run.facts(UnitsHeld), self.run.facts(UnitsSent)
        received, released = self.run.facts(UnitsReceived), self.run.facts(UnitsReleased)
        assert sorted((e.transfer_id, e.units) for e in sent) == sorted(
            (e.sent_as, e.units) for e in received
        )
        ended = all_of(sent, "transfer_id") + all_of(released, "transfer_id")
        assert sorted(ended) == sorted(all_of(held, "transfer_id"))
        for state in self.states():
            assert [h for h in state.scan(Held) if h.purpose == "transfer"] == []

    def a_second_evaluation_moves_no_tier(self) -> None:
        for state, member in zip(self.states(), (ANNA, BORIS), strict=True):
            act = EventContext(cause_id=uid(999_999), store=STORE, member_id=member, now=self.run.now)
            assert list(tier.move_tiers(state, act, STORED)) == []

    def ids_never_repeat(self) -> None:
        ids = all_of(facts(self.run), "event_id") + [e.webhook_event_id for e in told(self.run)]
        assert len(set(ids)) == len(ids)

    def balances_are_told_without_gaps(self) -> None:
        chains = defaultdict(list)
        for change in self.run.webhook_events(AvailablePointsAmountChanged):
            chains[change.member_id, change.wallet.code].append(change)
        for chain in chains.values():
            assert [c.sequence for c in chain] == list(range(1, len(chain) + 1))
            assert [c.amount_before for c in chain] == [Decimal(0), *(c.amount for c in chain[:-1])]
            assert all(abs(c.amount - c.amount_before) == c.amount_change > 0 for c in chain)

    def no_tier_falls_below_its_floor(self) -> None:
        floors: dict[tuple[str, str], str | None] = {}
        for event in facts(self.run):
            match event:
                case TierChanged() if event.manual:
                    floors[event.member_id, event.tier_set_id] = event.level_id
                case TierChanged():
                    (tiers,) = (t for t in TIER_SETS if t.tier_set_id == event.tier_set_id)
                    floor = floors.get((event.member_id, event.tier_set_id))
                    assert tiers.position(event.level_id) >= tiers.position(floor)
                case TierFloorRemoved():
                    floors[event.member_id, event.tier_set_id] = None

    def coupons_end_once(self) -> None:
        used: defaultdict[str, bool] = defaultdict(bool)
        for event in facts(self.run):
            match event:
                case CouponUsed() | CouponReinstated():
                    assert used[event.code] is isinstance(event, CouponReinstated)
                    used[event.code] = isinstance(event, CouponUsed)
                case CouponExpired():
                    assert not used[event.code]
                case CouponExpiryAnnounced():
                    assert not used[event.coupon.code]
        expired = all_of(self.run.facts(CouponExpired), "code")
        announced = [(e.coupon.code, e.days) for e in self.run.facts(CouponExpiryAnnounced)]
        assert len(set(expired)) == len(expired)
        assert len(set(announced)) == len(announced)

    def facts_alone_give_the_books(self) -> None:
        assert books(replayed(facts(self.run), STORED)) == books(self.run.tables)


def assert_sums(state: OwnerState, account: Account, never_active: Decimal) -> None:
    """`never_active` was cancelled while it was pending."""
    lots = [lot for lot in state.scan(Lot) if lot.wallet == account.wallet]
    pending = [p.lot for p in state.scan(PendingLot) if p.lot.wallet == account.wallet]
    held = [h for h in state.scan(Held) if h.wallet == account.wallet]
    blocked = sum(h.units for h in held if h.purpose == "blocked")
    under_way = sum(h.units for h in held if h.purpose == "transfer")
    assert all(0 < lot.remaining <= lot.units for lot in lots)
    assert account.spendable == sum(lot.remaining for lot in lots)
    assert account.pending == sum(lot.units for lot in pending)
    assert (account.blocked, account.held) == (blocked, under_way)
    assert account.available == account.earned - account.blocked - sum(
        (account.spent, account.expired, account.cancelled - never_active, account.sent)
    )


def told(run: Apart) -> Iterator[Any]:
    for record in run.log[WEBHOOK_EVENTS.name]:
        yield _decoded(record)


def _decoded(record: Record) -> Any:
    name = record.kind
    return decode(CATALOGUE[name].event, record.value, record.schema)


def books(tables: Tables) -> list[object]:
    """What members have, without what timers know: which lead times they have passed."""
    found: list[object] = []
    for member in (ANNA, BORIS):
        state = tables.of(owner_of(STORE, member))
        found += [state.get(Member), *state.scan(Account), *state.scan(PendingLot)]
        found += [replace(lot, announced=(), due_at=None) for lot in state.scan(Lot)]
        found += [replace(s, announced=(), safe=(), due_at=None) for s in state.scan(Standing)]
    return found


TestWhole = WholeMachine.TestCase
TestWhole.settings = settings(max_examples=2 * (settings.default or settings()).max_examples)

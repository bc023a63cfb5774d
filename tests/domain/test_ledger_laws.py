"""Laws of the ledger: random commands and passing time through the whole pipeline, beside a plain model."""

from datetime import timedelta
from decimal import Decimal
from typing import get_args

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from streams.codec.avro import decode, encode
from streams.domain.commands import Command
from streams.domain.events import Event, UnitsEarned, UnitsExpired, UnitsSpent
from streams.domain.evolve import evolve
from streams.domain.state import Account, IssuedReward, Lot
from streams.domain.store import StoreSettings
from streams.stages.commands import owner_of
from streams.stages.loyalty import LoyaltyStage
from streams.tables.owner_entries import OwnerState
from streams.tables.store import MemoryStore
from streams.tables.tables import Tables, table_families
from streams.topics import COMMANDS, DELIVERIES, EVENTS, REJECTIONS
from streams.webhooks.events import AvailablePointsAmountChanged, PointsWillExpire
from tests.domain.ledger_model import Ledger
from tests.driver import Pipeline, all_of, instant
from tests.samples import (
    ANNA,
    BORIS,
    NOON,
    SETTINGS,
    STORE,
    add,
    buy,
    purchase,
    register,
    spend,
    subscription,
    uid,
)

KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}
# As it comes from its topic: amounts with all their decimals.
STORED = decode(StoreSettings, *encode(SETTINGS))
MEMORY = timedelta(hours=24)
FAR = instant("2200-01-01")

MEMBERS = st.sampled_from([ANNA, BORIS])
# Few distinct amounts, so that sums meet; zero and the smallest unit among them.
UNITS = st.sampled_from(["0", "0.000001", "1", "7.5", "100", "250"]).map(Decimal)
EXPIRY = st.none() | st.sampled_from([1, 5, 12, 30])
SPANS = st.sampled_from([1, 12, 24, 24 * 9, 24 * 40]).map(lambda hours: timedelta(hours=hours))


def lasting(tables: Tables) -> list[tuple[str, str, bytes, bytes]]:
    """All entries but the memory of commands."""
    return [entry for entry in tables.entries() if entry[0] != "commands"]


def timers(tables: Tables) -> list[bytes]:
    return [key for key in tables.due_keys(b"", FAR) if not key.endswith(b"\x00commands")]


def facts(run: Pipeline) -> list[Event]:
    log = run.log[EVENTS.name]
    return [decode(KINDS[r.kind], run.opened(r), r.schema) for r in log]


def replayed(events: list[Event], store: StoreSettings = STORED) -> Tables:
    """The state that follows from the facts alone."""
    tables = Tables(MemoryStore(table_families(LoyaltyStage.kinds)), LoyaltyStage.kinds)
    for event in events:
        state = tables.of(owner_of(event.store, event.member_id))
        for change in evolve(state, event, store):
            state.apply(change)
    tables.commit(list(tables.changelog()), {})
    return tables


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.run = Pipeline(STORED, now=NOON, memory=MEMORY)
        self.run.subscribe(subscription("AvailablePointsAmountChanged"))
        self.models = {ANNA: Ledger(), BORIS: Ledger()}
        self.documents: dict[str, str] = {}
        self.sent: list[Command] = []

    @initialize()
    def most_stories_begin_with_points(self) -> None:
        self.register(ANNA)
        self.add(ANNA, Decimal(100), 30)

    def state(self, member: str) -> OwnerState:
        return self.run.tables.of(owner_of(STORE, member))

    def lots(self, member: str) -> list[Lot]:
        return list(self.state(member).scan(Lot))

    def do(self, command: Command, accepted: bool) -> None:
        """The command is answered as the model says; a refusal leaves everything as it was."""
        before, told = lasting(self.run.tables), len(self.run.log[EVENTS.name])
        refusals = len(self.run.log[REJECTIONS.name])

        # Ids that do not depend on what ran before: a failure is found again.
        self.sent.append(replace(command, command_id=uid(10_000 + len(self.sent))))
        self.run.when(self.sent[-1])

        assert len(self.run.log[REJECTIONS.name]) == refusals + (not accepted)
        if not accepted:
            assert lasting(self.run.tables) == before
            assert len(self.run.log[EVENTS.name]) == told
        self.models[command.member_id].announce(self.run.now)
        # No two lots are earned at the same instant: the model knows no lot ids to tell them apart by.
        self.time_passes(timedelta(seconds=1))

    @rule(member=MEMBERS)
    def register(self, member: str) -> None:
        model = self.models[member]
        accepted = not model.registered
        model.registered = True
        self.do(register(member, self.run.now), accepted)

    @rule(member=MEMBERS, units=UNITS, days=EXPIRY)
    def add(self, member: str, units: Decimal, days: int | None) -> None:
        accepted = self.models[member].add(units, days, self.run.now)
        self.do(add(str(units), member, self.run.now, days), accepted)

    @rule(member=MEMBERS, dollars=UNITS, document=st.sampled_from("ABCDEF"))
    def purchase(self, member: str, dollars: Decimal, document: str) -> None:
        """A document's number is one purchase's in the whole store, whoever bought."""
        is_free = self.documents.get(document, member) == member
        accepted = is_free and self.models[member].purchase(document, dollars, self.run.now)
        if accepted:
            self.documents[document] = member
        self.do(purchase(str(dollars), document, member, self.run.now), accepted)

    @rule(member=MEMBERS, units=UNITS)
    def spend(self, member: str, units: Decimal) -> None:
        """The balance falls by exactly what was spent, from the lots that end first."""
        before = self.lots(member)
        accepted = self.models[member].spend(units)

        self.do(spend(str(units), member, self.run.now), accepted)

        if accepted:
            spent = self.run.facts(UnitsSpent)[-1]
            assert sum(draw.units for draw in spent.draws) == units
            drawn, left = _split(before, units)
            assert [(d.lot_id, d.units) for d in spent.draws] == drawn
            assert [(lot.lot_id, lot.remaining) for lot in self.lots(member)] == left

    @rule(member=MEMBERS, quantity=st.integers(1, 3))
    def buy(self, member: str, quantity: int) -> None:
        accepted = self.models[member].buy(quantity)
        self.do(buy(member, self.run.now, quantity=quantity), accepted)

    @rule(span=SPANS)
    def time_passes(self, span: timedelta) -> None:
        self.run.at(self.run.now + span)
        for model in self.models.values():
            model.expire(self.run.now)
            model.announce(self.run.now)

    @rule(member=MEMBERS, units=UNITS, span=SPANS)
    def spend_where_the_timers_lag(self, member: str, units: Decimal, span: timedelta) -> None:
        self.run.now += span
        model = self.models[member]
        if model.registered:
            model.expire(self.run.now)
        model.spend(units)

        late = spend(str(units), member, self.run.now)
        self.run.when(replace(late, command_id=uid(20_000 + len(self.run.log[COMMANDS.name]))))

        self.time_passes(timedelta(0))

    @precondition(lambda self: any(c.issued_at > self.run.now - MEMORY for c in self.sent))
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        """A repeated command changes nothing, not even the memory, and is answered the same."""
        remembered = [c for c in self.sent if c.issued_at > self.run.now - MEMORY]
        before, told = list(self.run.tables.entries()), len(self.run.log[EVENTS.name])

        self.run.when(data.draw(st.sampled_from(remembered)))

        assert list(self.run.tables.entries()) == before
        assert len(self.run.log[EVENTS.name]) == told

    @invariant()
    def the_books_balance(self) -> None:
        for member, model in self.models.items():
            account = self.state(member).get(Account, b"default") or Account(wallet="default")
            lots = self.lots(member)
            assert account.available == account.earned - account.spent - account.expired
            assert account.available == sum(lot.remaining for lot in lots)
            assert all(0 < lot.remaining <= lot.units for lot in lots)
            assert (account.earned, account.spent, account.expired) == (
                model.earned,
                model.spent,
                model.expired,
            )
            assert len(list(self.state(member).scan(IssuedReward))) == model.rewards

    def teardown(self) -> None:
        self.facts_alone_give_the_state()
        self.ids_never_repeat()
        self.the_outside_world_was_told_everything()

    def facts_alone_give_the_state(self) -> None:
        """Entry for entry, timers included."""
        again = replayed(facts(self.run))

        assert lasting(again) == lasting(self.run.tables)
        assert timers(again) == timers(self.run.tables)

    def ids_never_repeat(self) -> None:
        ids = all_of(facts(self.run), "event_id") + all_of(self.run.deliveries(), "delivery_id")
        moved = (UnitsEarned, UnitsSpent, UnitsExpired)
        ids += [event.transfer_id for event in facts(self.run) if isinstance(event, moved)]
        assert len(set(ids)) == len(ids)

    def the_outside_world_was_told_everything(self) -> None:
        changes = self.run.webhook_events(AvailablePointsAmountChanged)
        assert len(self.run.log[DELIVERIES.name]) == len(changes)
        ends = self.run.webhook_events(PointsWillExpire)
        for member, model in self.models.items():
            mine = [c for c in changes if c.member_id == member]
            assert [c.sequence for c in mine] == list(range(1, len(mine) + 1))
            assert [c.amount_before for c in mine[1:]] == [c.amount for c in mine[:-1]]
            assert sorted((e.points, e.remaining) for e in ends if e.member_id == member) == sorted(
                model.told
            )


Parts = list[tuple[str, Decimal]]


def _split(lots: list[Lot], units: Decimal) -> tuple[Parts, Parts]:
    """What is drawn from lots, those that end first, and what is left of them."""
    drawn, left = [], []
    for lot in sorted(lots, key=lambda lot: (lot.expires_at or FAR, lot.earned_at, lot.lot_id)):
        taken = min(units, lot.remaining)
        units -= taken
        if taken:
            drawn.append((lot.lot_id, taken))
        if lot.remaining > taken:
            left.append((lot.lot_id, lot.remaining - taken))
    return drawn, left


TestLedger = LedgerMachine.TestCase
# Some laws show only where several lots meet a spend.
TestLedger.settings = settings(max_examples=4 * (settings.default or settings()).max_examples)

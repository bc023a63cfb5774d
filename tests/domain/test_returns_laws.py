"""Laws of returns: random purchases, returns and whatever else happens to units, in any order."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from streams.codec.avro import decode, encode
from streams.domain.commands import (
    ActivateUnits,
    AddUnits,
    BlockUnits,
    CancelTransfer,
    Command,
    RegisterMember,
    RegisterTransaction,
    SpendUnits,
)
from streams.domain.events import DebtPaid, UnitsBlocked, UnitsEarned, UnitsTakenBack
from streams.domain.rules import Campaign, Effect
from streams.domain.state import Account, Held, Lot, PendingLot, Transaction
from streams.domain.store import StoreSettings
from streams.domain.values import SMALLEST_UNIT, Item, Profile
from streams.stages.commands import owner_of
from streams.tables.owner_entries import OwnerState
from tests.domain.making import made
from tests.domain.test_ledger_laws import facts, lasting, replayed
from tests.driver import Pipeline
from tests.samples import ANNA, NOON, SETTINGS, STORE, WALLET_TYPE, uid

GOLD = replace(WALLET_TYPE, wallet_type_id=uid(801), code="gold", is_default=False, locked_for_days=3)


def gives(number: int, rate: str, **fields: Any) -> Campaign:
    effect = Effect(type="give_points", points_per_currency_unit=Decimal(rate), **fields)
    return Campaign(campaign_id=uid(710 + number), name=f"Gives {number}", effects=(effect,))


STORES: dict[str, StoreSettings] = {
    shortfall: decode(
        StoreSettings,
        *encode(
            replace(
                SETTINGS,
                wallets=(WALLET_TYPE, GOLD),
                campaigns=(
                    gives(1, "0.333333", expires_after_days=20),
                    gives(2, "7", locked_for_days=5),
                    gives(3, "1.000001", wallet="gold"),
                ),
                return_shortfall=shortfall,
            )
        ),
    )
    for shortfall in ("waived", "debt")
}
AMOUNTS = st.sampled_from(["0", "0.000001", "0.07", "3.33", "10", "250"]).map(Decimal)
SPANS = st.sampled_from([1, 24, 24 * 4, 24 * 30]).map(lambda hours: timedelta(hours=hours))
PURCHASES = st.sampled_from("ABC")
WALLETS = st.sampled_from(["default", "gold"])


class ReturnsMachine(RuleBasedStateMachine):
    run: Pipeline
    count = 0

    @initialize(shortfall=st.sampled_from(["waived", "debt"]))
    def begin(self, shortfall: str) -> None:
        self.store = STORES[shortfall]
        self.run = Pipeline(self.store, now=NOON)
        self.send(RegisterMember, profile=Profile())

    def send(self, kind: type[Command], **fields: Any) -> None:
        self.count += 1
        self.run.when(made(kind, ANNA, self.run.now, command_id=uid(300_000 + self.count), **fields))

    def transaction(self, number: str, value: Decimal, **fields: Any) -> None:
        item = Item(sku="CD", name="Disc", quantity=1, gross_value=value)
        # A return brings back one piece of many: the money is what limits it here.
        items = (replace(item, quantity=1 if fields else 1000),)
        self.send(
            RegisterTransaction, document_number=number, purchased_at=self.run.now, items=items, **fields
        )

    @rule(number=PURCHASES, value=AMOUNTS)
    def buy(self, number: str, value: Decimal) -> None:
        self.transaction(number, value)

    @rule(number=PURCHASES, value=AMOUNTS)
    def give_back(self, number: str, value: Decimal) -> None:
        fields = {"document_type": "return", "linked_document_number": number}
        self.transaction(f"R{self.count}", value, **fields)

    @rule(number=PURCHASES)
    def give_the_rest_back(self, number: str) -> None:
        bought = self.state.get(Transaction, number.encode())
        if bought:
            self.give_back(number, bought.gross_value - bought.returned_value)

    @rule(units=AMOUNTS, wallet=WALLETS, kind=st.sampled_from([SpendUnits, BlockUnits, AddUnits]))
    def move(self, units: Decimal, wallet: str, kind: type[Command]) -> None:
        self.send(kind, units=units, wallet=wallet)

    @rule(data=st.data(), kind=st.sampled_from([CancelTransfer, ActivateUnits]))
    def after_the_fact(self, data: st.DataObject, kind: type[Command]) -> None:
        known = [e.transfer_id for e in facts(self.run) if isinstance(e, UnitsEarned | UnitsBlocked)]
        self.send(kind, transfer_id=data.draw(st.sampled_from([uid(1), *known])))

    @rule(span=SPANS)
    def time_passes(self, span: timedelta) -> None:
        self.run.at(self.run.now + span)

    @property
    def state(self) -> OwnerState:
        return self.run.tables.of(owner_of(STORE, ANNA))

    @invariant()
    def no_lot_is_negative_and_the_balance_is_their_sum(self) -> None:
        assert self.run.poison() == []
        for account in self.state.scan(Account):
            lots = [lot for lot in self.state.scan(Lot) if lot.wallet == account.wallet]
            pending = [p.lot for p in self.state.scan(PendingLot) if p.lot.wallet == account.wallet]
            held = [h for h in self.state.scan(Held) if h.wallet == account.wallet]
            assert all(0 < lot.remaining <= lot.units for lot in (*lots, *pending))
            assert account.available == sum(lot.remaining for lot in lots) >= 0
            assert account.pending == sum(lot.units for lot in pending)
            assert account.blocked == sum(p.units for h in held for p in h.pledges)
            assert account.owed >= 0
            # A debt is paid as soon as there is anything to pay it with.
            assert not (account.owed and account.available)

    @invariant()
    def no_more_is_taken_than_was_given_and_all_of_it_once_all_is_back(self) -> None:
        for bought in self.state.scan(Transaction):
            for gift in bought.gifts:
                assert 0 <= gift.taken <= gift.units
                part = bought.returned_value / bought.gross_value
                assert gift.taken <= gift.units * part + SMALLEST_UNIT
                if bought.returned_value == bought.gross_value and not gift.gone:
                    assert gift.taken == gift.units
                if not gift.gone:
                    assert gift.units * part - gift.taken < SMALLEST_UNIT * 2

    def teardown(self) -> None:
        if self.count:
            taken: defaultdict[str, Decimal] = defaultdict(Decimal)
            for fact in self.run.facts(UnitsTakenBack):
                found = fact.drawn + sum(p.units for p in fact.pending) + sum(p.units for p in fact.blocked)
                assert found + fact.owed + fact.waived == fact.units == sum(s.units for s in fact.shares)
                for share in fact.shares:
                    taken[share.lot_id] += share.units
            given = {gift.lot_id: gift.taken for t in self.state.scan(Transaction) for gift in t.gifts}
            assert {lot: units for lot, units in given.items() if units} == taken
            assert all(fact.units > 0 for fact in self.run.facts(DebtPaid))
            assert lasting(replayed(facts(self.run), self.store)) == lasting(self.run.tables)


TestReturns = ReturnsMachine.TestCase

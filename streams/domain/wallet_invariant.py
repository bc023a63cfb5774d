"""The invariant of a wallet: its lots and held units add up to its account."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from msgspec import Raw, Struct

from streams.domain.state import Account, Entry, Held, Lot, PendingLot
from streams.domain.values import plain_decimal


class LotShare(Struct, frozen=True, array_like=True):
    """The first fields of a stored lot, whose positions never change. Decoding them takes a quarter of the
    time."""

    wallet: str
    lot_id: Raw
    units: Raw
    remaining: Decimal


class Imbalance(NamedTuple):
    """A wallet whose account differs from the sum of its entries."""

    wallet: str
    what: str
    said: Decimal
    found: Decimal

    def __str__(self) -> str:
        said, found = plain_decimal(self.said), plain_decimal(self.found)
        return f"wallet {self.wallet!r}: {self.what} is {said}, its entries add up to {found}"


def imbalances(entries: Iterable[Entry | LotShare]) -> list[Imbalance]:
    """The wallets among one owner's entries of the table `ledgers` that violate the invariant."""
    accounts: dict[str, Account] = {}
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for entry in entries:
        match entry:
            case Account():
                accounts[entry.wallet] = entry
            case Lot() | LotShare():
                sums[entry.wallet, "spendable"] += entry.remaining
            case PendingLot():
                sums[entry.lot.wallet, "pending"] += entry.lot.units
            case Held():
                sums[entry.wallet, "blocked" if entry.purpose == "blocked" else "held"] += entry.units
    found = []
    for wallet in {*accounts, *(wallet for wallet, _ in sums)}:
        account = accounts.get(wallet) or Account(wallet=wallet)
        for what in ("spendable", "pending", "blocked", "held"):
            said = getattr(account, what)
            if said != sums[wallet, what]:
                found.append(Imbalance(wallet, what, said, sums[wallet, what]))
    return found

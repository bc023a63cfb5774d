"""The law of a wallet: its lots, and what is out of reach, add up to what its account says."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from streams.domain.state import Account, Entry, Held, Lot, PendingLot


class Imbalance(NamedTuple):
    """What the account of a wallet says, and what its entries add up to."""

    wallet: str
    what: str
    said: Decimal
    found: Decimal

    def __str__(self) -> str:
        return f"wallet {self.wallet!r}: {self.what} is {self.said}, its entries add up to {self.found}"


def imbalances(entries: Iterable[Entry]) -> list[Imbalance]:
    """Where one owner's entries of the table `ledgers` break the law."""
    accounts: dict[str, Account] = {}
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for entry in entries:
        match entry:
            case Account():
                accounts[entry.wallet] = entry
            case Lot():
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

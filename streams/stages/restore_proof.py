"""Checks a restored partition: the lots of each wallet must add up to its account."""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import groupby

import msgspec

from streams.domain.state import Account, Entry, Held, Lot, PendingLot
from streams.domain.wallet_invariant import Imbalance, LotShare, imbalances
from streams.tables.owner_entries import OWNER_END
from streams.tables.tables import Tables

TABLE = Account.table
_KINDS: tuple[type[Entry], ...] = (Account, Lot, PendingLot, Held)
_DECODE: dict[bytes, Callable[[bytes], Entry | LotShare]] = {
    kind.letter: msgspec.msgpack.Decoder(kind).decode for kind in _KINDS
}
# Nearly all entries are lots, which are decoded in part only.
_DECODE[Lot.letter] = msgspec.msgpack.Decoder(LotShare).decode
_OwnerEntries = tuple[str, list[Entry | LotShare]]
MAX_CHECKED_OWNERS = 2000
"""For more owners a full scan costs less than reading each owner."""


class LedgerCheck:
    """Collects the owners whose entries are restored, and checks them at the end."""

    def __init__(self) -> None:
        self._owners: set[bytes] = set()

    def hear(self, table: str, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        if table == TABLE and len(self._owners) <= MAX_CHECKED_OWNERS:
            self._owners.update(key.partition(OWNER_END)[0] for key, _ in records)

    def flaw(self, tables: Tables) -> str | None:
        """A sentence about the first wallet that does not add up, or None."""
        for owner, broken in unbalanced_wallets(
            tables, self._owners if len(self._owners) <= MAX_CHECKED_OWNERS else None
        ):
            return f"{owner}, {broken}"
        return None


def unbalanced_wallets(
    tables: Tables, owners: Collection[bytes] | None = None
) -> Iterator[tuple[str, Imbalance]]:
    """Yields the owners and wallets that do not add up, of those owners or of all. Only between batches."""
    if TABLE not in tables.names:
        return
    looked_at = _scan_all_owners(tables) if owners is None else _read_owners(tables, owners)
    for owner, entries in looked_at:
        for broken in imbalances(entries):
            yield owner, broken


def _read_owners(tables: Tables, owners: Iterable[bytes]) -> Iterator[_OwnerEntries]:
    for owner in sorted(owners):
        state = tables.of(owner.decode())
        yield owner.decode(), [entry for kind in _KINDS for entry in state.scan(kind)]
        # Drops the entries that were read, which would fill the memory.
        tables.abort()


def _scan_all_owners(tables: Tables) -> Iterator[_OwnerEntries]:
    for owner, found in groupby(tables.entries([TABLE]), key=lambda entry: entry[1]):
        decoders = ((_DECODE.get(key[:1]), raw) for _, _, key, raw in found)
        yield owner, [decode(raw) for decode, raw in decoders if decode]

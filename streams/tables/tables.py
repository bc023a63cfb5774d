"""The tables of one partition: the committed entries, with the current batch's changes over them."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path

import msgspec

from streams.domain.state import Change, Drop, E, Entry
from streams.tables.checkpoints import FAMILY as CHECKPOINTS
from streams.tables.checkpoints import Checkpoints, as_of_writes, offset_writes
from streams.tables.due import FAMILY as DUE
from streams.tables.due import DueIndex, due_key, parse_due_key
from streams.tables.owner_entries import OWNER_END, OwnerState
from streams.tables.owner_scan import OwnerScan, merge_keys
from streams.tables.store import Store, StoreFigures, Write, figures_of, open_store

_UNREAD = Entry()
"""Stands for what was not looked up yet, as None stands for what is not there."""
_ENCODE = msgspec.msgpack.Encoder().encode


def table_families(kinds: Iterable[type[Entry]]) -> list[str]:
    """The column families that a store of these kinds of entries needs."""
    return [*sorted({kind.table for kind in kinds}), DUE, CHECKPOINTS]


class Tables:
    """Entries of many owners. Reads see the batch's own changes; nothing reaches the store before `commit`.
    The due index is derived from the entries' `due` and written with them; `index` rebuilds it."""

    def __init__(self, store: Store, kinds: Sequence[type[Entry]]) -> None:
        self.names = sorted({kind.table for kind in kinds})
        self.checkpoints = Checkpoints(store)
        self._store = store
        self._kinds = {(kind.table, kind.letter): kind for kind in kinds}
        self._decoders = {kind: msgspec.msgpack.Decoder(kind).decode for kind in kinds}
        # All kinds that share a due index have groups of the same size.
        self._group_size = max((kind.due_group_size for kind in kinds), default=0)
        self._due = DueIndex(store, self._group_size)
        self._reset()

    def _reset(self) -> None:
        self._seen: dict[str, dict[bytes, Entry | None]] = {name: {} for name in self.names}
        self._changed: dict[str, dict[bytes, None]] = {name: {} for name in self.names}
        self._by_owner: dict[tuple[str, bytes], list[bytes]] = {}
        self._scans: dict[tuple[str, bytes], OwnerScan] = {}

    def of(self, owner: str) -> OwnerState:
        return OwnerState(self, owner.encode() + OWNER_END)

    def get(self, kind: type[E], key: bytes) -> E | None:
        """The entry at the full key (owner, letter, the entry's own key), or None."""
        seen = self._seen[kind.table]
        entry = seen.get(key, _UNREAD)
        if entry is _UNREAD:
            raw = self._store.get(kind.table, key)
            entry = seen[key] = None if raw is None else self._decoders[kind](raw)
        return entry  # type: ignore[return-value]  # the letter in the key says which kind it is

    def apply(self, owner: bytes, change: Change) -> None:
        """Changes an entry of `owner`, which is the owner's name with its terminating byte."""
        entry, kept = (change.entry, None) if isinstance(change, Drop) else (change, change)
        table, key = entry.table, owner + entry.letter + entry.key()
        before = self.get(type(entry), key)
        self._move_due(key, before, kept)
        self._seen[table][key] = kept
        if key not in self._changed[table]:
            self._changed[table][key] = None
            insort(self._by_owner.setdefault((table, owner), []), key)

    def _move_due(self, key: bytes, before: Entry | None, after: Entry | None) -> None:
        old = before.due if before is not None else None
        new = after.due if after is not None else None
        if old == new:
            return
        if before is not None and old is not None:
            self._due.remove(due_key(before, old, key))
        if after is not None and new is not None:
            self._due.add(due_key(after, new, key))

    def scan(self, kind: type[E], owner: bytes, prefix: bytes) -> Iterator[E]:
        """Entries of `owner` whose key starts with `prefix`, in key order, with the batch's changes."""
        start = owner + kind.letter + prefix
        table = kind.table
        seen = self._seen[table]
        stored = self._scan_stored(kind, owner, start)
        changed = self._changed_keys(table, owner, start)
        for key in merge_keys(stored, changed) if changed else stored:
            entry: E | None = seen[key]  # type: ignore[assignment]  # as in `get`
            if entry is not None:
                yield entry

    def _changed_keys(self, table: str, owner: bytes, start: bytes) -> list[bytes]:
        keys = self._by_owner.get((table, owner), [])
        first = last = bisect_left(keys, start)
        while last < len(keys) and keys[last].startswith(start):
            last += 1
        return keys[first:last]

    def _scan_stored(self, kind: type[Entry], owner: bytes, prefix: bytes) -> Iterator[bytes]:
        table = kind.table
        seen, decoder = self._seen[table], self._decoders[kind]
        scan = self._scans.get((table, owner))
        if scan is None or not scan.covers(prefix):
            scan = self._scans[table, owner] = OwnerScan(self._store, table, owner, prefix)
        for key, raw in scan.pairs(prefix):
            if key not in seen:
                seen[key] = decoder(raw)
            yield key

    def slice(self, kind: type[E], owners: str, start: bytes, size: int) -> tuple[list[tuple[str, E]], bytes]:
        """Entries of that kind of all owners whose name starts with `owners`, with the batch's changes.

        Looks at `size` committed entries of the table from key `start` on. Returns what it found and the key
        to continue from, which is empty at the end.
        """
        prefix = owners.encode()
        found: list[tuple[str, E]] = []
        for count, (key, raw) in enumerate(self._store.scan(kind.table, max(start, prefix))):
            if not key.startswith(prefix):
                break
            if count == size:
                return found, key
            owner, _, rest = key.partition(OWNER_END)
            if rest[:1] != kind.letter:
                continue
            seen = self._seen[kind.table]
            entry = seen[key] if key in seen else self._decoders[kind](raw)
            if entry is not None:
                found.append((owner.decode(), entry))  # type: ignore[arg-type]  # its letter says so
        return found, b""

    def first_due(self, now: datetime) -> tuple[str, Entry] | None:
        """The owner and the entry of the earliest timer that is due at `now`, or None. The caller must
        reschedule it."""
        due = self._due.first(now)
        return None if due is None else self._due_entry(due)

    def sample(self, now: datetime) -> tuple[datetime | None, StoreFigures | None]:
        """Since when the earliest due timer has been due, and what the disk says. Only between batches."""
        return self._due.earliest(now), figures_of(self._store)

    def due_keys(self, group: bytes, now: datetime) -> Iterator[bytes]:
        """The due keys, for `due_entry`, of the group's entries that are due at `now`. Only between
        batches."""
        return self._due.within(group, now)

    def next_due(self, group: bytes, now: datetime) -> datetime | None:
        """When the group's next committed entry after `now` is due, or None. Only between batches."""
        return self._due.after(group, now)

    def due_entry(self, due: bytes, kind: type[E]) -> E:
        """The entry that a due key points to."""
        _, entry = self._due_entry(due)
        assert isinstance(entry, kind), "an index holds what its stage put in"  # noqa: S101
        return entry

    def due_groups(self) -> Iterator[bytes]:
        """The groups that have entries with a due time, now or later. Only between batches."""
        return self._due.groups()

    def owners(self, kind: type[Entry]) -> Iterator[str]:
        """The owners of entries of that kind, in a table that holds no other kind. Only between batches."""
        start = b""
        while True:
            key, _ = next(self._store.scan(kind.table, start), (None, b""))
            if key is None:
                return
            owner, _, _ = key.partition(OWNER_END)
            yield owner.decode()
            start = owner + b"\x01"

    def _due_entry(self, due: bytes) -> tuple[str, Entry]:
        table, key = parse_due_key(due, self._group_size)
        owner, _, _ = key.partition(OWNER_END)
        entry = self.get(self._kind_of(table, key), key)
        if entry is None:
            raise LookupError(f"due index of table {table!r} points to {key!r}, which is gone")
        return owner.decode(), entry

    def changelog(self) -> Iterator[Write]:
        """The batch's changes as changelog records, one for each changed key; None is a tombstone."""
        for name in self.names:
            seen = self._seen[name]
            for key in self._changed[name]:
                entry = seen[key]
                yield name, key, None if entry is None else _ENCODE(entry)

    def commit(
        self, changes: Iterable[Write], checkpoints: Mapping[str, int], at: datetime | None = None
    ) -> None:
        """Writes entries, due index and changelog offsets atomically: the state is a prefix of the changelog.
        `changes` are from `changelog`. `at` is a moment at which no other process could write to the
        changelogs."""
        offsets, moment = offset_writes(checkpoints), as_of_writes(at)
        self._store.write([*changes, *self._due.writes(), *offsets, *moment])
        self._due.committed()
        self._reset()

    def abort(self) -> None:
        """Discards the batch."""
        self._due.aborted()
        self._reset()

    def checkpoint(self, table: str) -> int:
        """The changelog offset from which the table has to be restored; 0 if the table is empty."""
        return self.checkpoints.offset(table)

    @property
    def indexed(self) -> bool:
        """Whether the due index is complete: not on a new disk, nor after an interrupted first restore."""
        return self.checkpoint(DUE) > 0

    def restore(self, table: str, records: Iterable[tuple[bytes, bytes | None]], offset: int) -> None:
        """Stores changelog records up to, not including, `offset`, in one atomic write with the checkpoint.

        A complete due index is kept up to date; an incomplete one is rebuilt by `index` at the end, which
        costs less.
        """
        latest = dict(records)
        if self.indexed:
            for key, value in latest.items():
                self._restore_due(table, key, value)
        writes = [(table, key, value) for key, value in latest.items()]
        self.commit(writes, {table: offset})

    def _restore_due(self, table: str, key: bytes, value: bytes | None) -> None:
        kind = self._kind_of(table, key)
        if kind.timed():
            after = None if value is None else self._decoders[kind](value)
            self._move_due(key, self.get(kind, key), after)

    def index(self) -> None:
        """Rebuilds the due index from the entries."""
        self._store.clear(DUE)
        self._due.forget()
        for table in sorted({kind.table for kind in self._kinds.values() if kind.timed()}):
            for writes in _split_slices(self._due_writes(table), 10_000):
                self._store.write(writes)
        self._store.write(offset_writes({DUE: 1}))

    def _due_writes(self, table: str) -> Iterator[Write]:
        timed = {k.letter: decode for k, decode in self._decoders.items() if k.table == table and k.timed()}
        for key, raw in self._store.scan(table, b""):
            letter = key.index(OWNER_END) + 1
            decode = timed.get(key[letter : letter + 1])
            entry = decode(raw) if decode else None
            if entry is not None and entry.due is not None:
                yield DUE, due_key(entry, entry.due, key), b""

    def _kind_of(self, table: str, key: bytes) -> type[Entry]:
        return self._kinds[table, key.partition(OWNER_END)[2][:1]]

    def clear(self) -> None:
        """Removes everything, so that the tables are restored from offset 0."""
        for family in [*self.names, DUE, CHECKPOINTS]:
            self._store.clear(family)
        self._due.forget()
        self._reset()

    def entries(self, names: Iterable[str] = ()) -> Iterator[tuple[str, str, bytes, bytes]]:
        """Committed entries, of those tables or of all, as (table, owner, key within the owner, value)."""
        for table in names or self.names:
            for key, raw in self._store.scan(table, b""):
                owner, _, rest = key.partition(OWNER_END)
                yield table, owner.decode(), rest, raw

    def check(self) -> None:
        """Raises StoreDamaged once it was met."""
        self._store.check()

    def close(self) -> None:
        # A batch may still hold an iterator over the due index, which would keep the store open.
        self.abort()
        self._store.close()


class UnindexedTables(Tables):
    """Tables without a due index, for readers that run no timers."""

    def _move_due(self, key: bytes, before: Entry | None, after: Entry | None) -> None: ...

    def index(self) -> None: ...


def open_tables(folder: Path, kinds: Sequence[type[Entry]], tables: type[Tables] = Tables) -> Tables:
    """Tables over a RocksDB of their own. The caller closes them."""
    return tables(open_store(folder, table_families(kinds)), kinds)


def _split_slices(writes: Iterator[Write], size: int) -> Iterator[list[Write]]:
    while slice_ := list(islice(writes, size)):
        yield slice_

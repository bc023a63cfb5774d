"""Ordered key-value stores with column families and atomic writes: the port, RocksDB, and memory."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, cast

from rocksdict import BlockBasedOptions, Cache, DBCompressionType, Options, Rdict, WriteBatch

from streams.errors import LoyaltyError, StoreDamaged
from streams.tables import damage
from streams.tables.damage import RocksDBError

Write = tuple[str, bytes, bytes | None]
"""Family, key, and the value, or None to delete."""

_MIB = 1 << 20


class Store(Protocol):
    """What a partition's tables need from a disk. Every call may raise StoreDamaged or StoreFailed."""

    def get(self, family: str, key: bytes) -> bytes | None:
        """The value, or None."""

    def scan(self, family: str, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Pairs from key `start` on, in key order, as they were when the scan began."""

    def write(self, writes: Iterable[Write]) -> None:
        """Atomic: either all writes happen or none, even if the process is killed."""

    def clear(self, family: str) -> None:
        """Removes every key of the family."""

    def check(self) -> None:
        """Raises StoreDamaged if any earlier call has raised it, in any thread."""

    def close(self) -> None: ...


class MemoryStore:
    """Keeps everything in memory, for tests and for states that are only computed."""

    def __init__(self, families: Iterable[str]) -> None:
        self._values: dict[str, dict[bytes, bytes]] = {family: {} for family in families}
        self._pairs: dict[str, list[tuple[bytes, bytes]]] = {family: [] for family in self._values}
        """The same pairs in key order. A pair is never changed, so that a copy of the list is a snapshot."""

    def get(self, family: str, key: bytes) -> bytes | None:
        return self._values[family].get(key)

    def scan(self, family: str, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        pairs = self._pairs[family]
        return iter(pairs[bisect_left(pairs, (start,)) :])

    def write(self, writes: Iterable[Write]) -> None:
        whole = [(self._values[family], self._pairs[family], key, value) for family, key, value in writes]
        for values, pairs, key, value in whole:
            at = bisect_left(pairs, (key,))
            place = slice(at, at + (key in values))
            if value is None:
                values.pop(key, None)
                del pairs[place]
            else:
                values[key] = value
                pairs[place] = [(key, value)]

    def clear(self, family: str) -> None:
        self._values[family].clear()
        self._pairs[family].clear()

    def check(self) -> None:
        pass

    def close(self) -> None:
        pass


class _RocksDBErrors:
    """Raises RocksDBError for a bare Exception in the `with` block, which is all that rocksdict raises. Other
    exceptions pass: they are bugs, not errors of the disk."""

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if kind is Exception and error is not None:
            error.__traceback__ = None
            raise RocksDBError(str(error)) from None


ROCKSDB_ERRORS = _RocksDBErrors()


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """Entries by family, as RocksDB estimates; sizes in bytes; whether writes are stopped or slowed down."""

    entries: dict[str, int]
    disk_bytes: int
    memory_bytes: int
    cache_bytes: int
    is_stalled: bool


def _number(db: Rdict, name: str) -> int:
    return int(db.property_int_value(f"rocksdb.{name}") or 0)


class RocksStore:
    """Stores entries in RocksDB, whose lock allows one process at a time."""

    # One block cache for all databases of the process: the default is a large cache for each database.
    _cache = Cache(32 * _MIB)

    def __init__(self, path: Path, families: Iterable[str]) -> None:
        self._path = path
        self._damage: str | None = None
        options = {family: self._options() for family in families}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with ROCKSDB_ERRORS:
                self._db = Rdict(str(path), options=self._options(), column_families=options)
                self._families = {family: self._db.get_column_family(family) for family in options}
                self._handles = {family: self._db.get_column_family_handle(family) for family in options}
        except (RocksDBError, OSError) as error:
            raise damage.classify_error(path, error) from None

    def _options(self) -> Options:
        blocks = BlockBasedOptions()
        blocks.set_block_cache(self._cache)
        blocks.set_bloom_filter(10, False)
        # Keys and values repeat the same ids: large blocks with zstd take 40% less space.
        blocks.set_block_size(16 << 10)
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.create_missing_column_families(True)
        options.set_block_based_table_factory(blocks)
        options.set_compression_type(DBCompressionType.zstd())
        options.set_write_buffer_size(8 * _MIB)
        options.set_db_write_buffer_size(24 * _MIB)
        options.set_keep_log_file_num(2)
        return options

    def get(self, family: str, key: bytes) -> bytes | None:
        # Like `with ROCKSDB_ERRORS`, which costs as much as a quarter of the read.
        try:
            value: bytes | None = self._families[family].get(key)
        except Exception as error:
            if type(error) is not Exception:
                raise
            # A caller that keeps the error keeps this frame, and with it the database open.
            error.__traceback__ = None
            raise self._classify(RocksDBError(str(error))) from None
        return value

    def scan(self, family: str, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        sequence, last = self._db.latest_sequence_number(), start
        pairs: Iterator[tuple[bytes, bytes]] = iter(())
        try:
            with ROCKSDB_ERRORS:
                # `items` costs less than an iterator of our own, as most scans are short.
                pairs = cast(Iterator[tuple[bytes, bytes]], self._families[family].items(from_key=start))
                for pair in pairs:
                    yield pair
                    last = pair[0]
                self._require_complete_scan(family, last, sequence)
        except RocksDBError as error:
            # A caller that keeps the error keeps this frame, and with it the database open.
            pairs = iter(())
            raise self._classify(error) from None

    def _require_complete_scan(self, family: str, last: bytes, sequence: int) -> None:
        """Raises RocksDBError if the scan ended early: RocksDB's `items` ends silently at a damaged block."""
        walk = self._families[family].iter()
        walk.seek(last)
        if walk.valid() and walk.key() == last:
            walk.next()
        walk.status()
        if walk.valid() and self._db.latest_sequence_number() == sequence:
            raise RocksDBError(f"{family} was not read to its end")

    def write(self, writes: Iterable[Write]) -> None:
        batch = WriteBatch(raw_mode=True)
        for family, key, value in writes:
            if value is None:
                batch.delete(key, self._handles[family])
            else:
                batch.put(key, value, self._handles[family])
        self._write_batch(batch)

    def clear(self, family: str) -> None:
        # The range's end is exclusive; no key starts with nine 0xff bytes.
        batch = WriteBatch(raw_mode=True)
        batch.delete_range(b"", b"\xff" * 9, self._handles[family])
        self._write_batch(batch)

    def _write_batch(self, batch: WriteBatch) -> None:
        try:
            with ROCKSDB_ERRORS:
                self._db.write(batch)
        except RocksDBError as error:
            raise self._classify(error) from None

    def _classify(self, error: RocksDBError) -> LoyaltyError:
        error.__traceback__ = None
        found = damage.classify_error(self._path, error)
        if isinstance(found, StoreDamaged) and self._damage is None:
            self._damage = str(found)
            damage.mark_damaged(self._path, found)
        return found

    def figures(self) -> StoreFigures:
        """What RocksDB tells of itself."""
        with ROCKSDB_ERRORS:
            families = list(self._families.values())
            return StoreFigures(
                {
                    name: _number(family, "estimate-num-keys")
                    for name, family in self._families.items()
                    if name not in ("due", "checkpoints")
                },
                sum(_number(family, "total-sst-files-size") for family in families),
                sum(_number(family, "cur-size-all-mem-tables") for family in families),
                _number(self._db, "block-cache-usage"),
                bool(_number(self._db, "is-write-stopped") or _number(self._db, "actual-delayed-write-rate")),
            )

    def check(self) -> None:
        if self._damage:
            raise StoreDamaged(self._damage)

    def close(self) -> None:
        # References to the families keep the database open, and with it its lock.
        self._families.clear()
        self._handles.clear()
        with ROCKSDB_ERRORS:
            self._db.close()


def figures_of(store: Store) -> StoreFigures | None:
    """What the disk says of itself; None where the store is on none."""
    return store.figures() if isinstance(store, RocksStore) else None


StoreFactory = Callable[[Path, Sequence[str]], Store]
"""Opens the store in a folder with those families, or creates it."""


def open_store(
    path: Path,
    families: Sequence[str],
    counted: Callable[[], None] = lambda: None,
    make: StoreFactory = RocksStore,
) -> Store:
    """Opens the store in that folder. A damaged one is set aside, `counted` is called, and an empty store
    takes its place. Raises Misconfigured, StoreFailed."""
    try:
        damage.require_undamaged(path)
        return make(path, families)
    except StoreDamaged as found:
        damage.set_folder_aside(path, found, counted)
        return make(path, families)

"""Ordered bytes in named families, written atomically: the port, and its two sides."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, cast

from rocksdict import BlockBasedOptions, Cache, DBCompressionType, Options, Rdict, WriteBatch

from streams.errors import StoreDamaged
from streams.tables import damage

Write = tuple[str, bytes, bytes | None]
"""Family, key, and the value, or None to delete."""

_MIB = 1 << 20


class Store(Protocol):
    """What a partition's tables need of a disk. Every call may raise StoreDamaged or StoreFailed."""

    def get(self, family: str, key: bytes) -> bytes | None:
        """The value, or None."""

    def scan(self, family: str, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Keys from `start` on, in order, as they were when the scan began."""

    def write(self, writes: Iterable[Write]) -> None:
        """All of them or none, whatever happens to the process."""

    def clear(self, family: str) -> None:
        """Remove every key of the family."""

    def check(self) -> None:
        """Raises again the StoreDamaged that some call has raised, in whichever thread."""

    def close(self) -> None: ...


class MemoryStore:
    """In memory, for tests of what stands above it."""

    def __init__(self, families: Iterable[str]) -> None:
        self._values: dict[str, dict[bytes, bytes]] = {family: {} for family in families}
        self._pairs: dict[str, list[tuple[bytes, bytes]]] = {family: [] for family in self._values}
        """The same in order: pairs never change, so that a copy of the list is what was there."""

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


class RocksStore:
    """On disk, in RocksDB. One process at a time: RocksDB's own lock sees to it."""

    # One cache for all databases of the process: the library's default is 2 GiB for each.
    _cache = Cache(32 * _MIB)

    def __init__(self, path: Path, families: Iterable[str]) -> None:
        self._path = path
        self._damage: str | None = None
        options = {family: self._options() for family in families}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = Rdict(str(path), options=self._options(), column_families=options)
            self._families = {family: self._db.get_column_family(family) for family in options}
            self._handles = {family: self._db.get_column_family_handle(family) for family in options}
        except Exception as error:  # noqa: BLE001 - RocksDB raises bare ones
            raise damage.classify_error(path, error) from None

    def _options(self) -> Options:
        blocks = BlockBasedOptions()
        blocks.set_block_cache(self._cache)
        blocks.set_bloom_filter(10, False)
        # Keys and values are full of ids, each several times: large blocks, well compressed, take 40% less.
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
        try:
            value: bytes | None = self._families[family].get(key)
        except Exception as error:  # noqa: BLE001 - RocksDB raises bare ones
            raise self._failed(error) from None
        return value

    def scan(self, family: str, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        sequence, last = self._db.latest_sequence_number(), start
        pairs: Iterator[tuple[bytes, bytes]] = iter(())
        try:
            # A walk of its own costs more, for most are short.
            pairs = cast(Iterator[tuple[bytes, bytes]], self._families[family].items(from_key=start))
            for pair in pairs:
                yield pair
                last = pair[0]
            self._confirm_end(family, last, sequence)
        except Exception as error:  # noqa: BLE001 - RocksDB raises bare ones
            # Whoever keeps the error keeps this frame, and so would hold the database open.
            pairs = iter(())
            raise self._failed(error) from None

    def _confirm_end(self, family: str, last: bytes, sequence: int) -> None:
        """A walk that meets a damaged block ends there, as if nothing came after, and says nothing."""
        walk = self._families[family].iter()
        walk.seek(last)
        if walk.valid() and walk.key() == last:
            walk.next()
        walk.status()
        if walk.valid() and self._db.latest_sequence_number() == sequence:
            raise StoreDamaged(f"{self._path} is damaged: {family} was not read to its end")

    def write(self, writes: Iterable[Write]) -> None:
        batch = WriteBatch(raw_mode=True)
        for family, key, value in writes:
            if value is None:
                batch.delete(key, self._handles[family])
            else:
                batch.put(key, value, self._handles[family])
        self._write(batch)

    def clear(self, family: str) -> None:
        # The end is exclusive, and no key starts with nine 0xff bytes.
        batch = WriteBatch(raw_mode=True)
        batch.delete_range(b"", b"\xff" * 9, self._handles[family])
        self._write(batch)

    def _write(self, batch: WriteBatch) -> None:
        try:
            self._db.write(batch)
        except Exception as error:  # noqa: BLE001 - RocksDB raises bare ones
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> Exception:
        error.__traceback__ = None
        # RocksDB's own are bare; others are not of the disk.
        found = damage.classify_error(self._path, error) if type(error) is Exception else error
        if isinstance(found, StoreDamaged) and self._damage is None:
            self._damage = str(found)
            damage.mark_damaged(self._path, found)
        return found

    def check(self) -> None:
        if self._damage:
            raise StoreDamaged(self._damage)

    def close(self) -> None:
        # The families hold the database open, and with it its lock.
        self._families.clear()
        self._handles.clear()
        self._db.close()


StoreFactory = Callable[[Path, Sequence[str]], Store]
"""The store in a folder, with those families; made where there is none."""


def opened(
    path: Path,
    families: Sequence[str],
    counted: Callable[[], None] = lambda: None,
    make: StoreFactory = RocksStore,
) -> Store:
    """The store in that folder. One that is damaged is set aside, an empty one begun in its place, and
    `counted` called. Raises Misconfigured, StoreFailed."""
    try:
        damage.require_undamaged(path)
        return make(path, families)
    except StoreDamaged as found:
        damage.set_folder_aside(path, found, counted)
        return make(path, families)

"""A folder that cannot be read is set aside, whatever is wrong with it, and nothing is read in part."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from streams.errors import Misconfigured, StoreDamaged, StoreFailed
from streams.tables.store import RocksStore, open_store

FAMILIES = ("entries", "checkpoints")
COUNT = 20_000
Hurt = Callable[[Path], object]


def written(folder: Path) -> Path:
    """A store whose entries are in a file, and in no memory of this process."""
    place, chance = folder / "0", Random(1)  # noqa: S311
    store = RocksStore(place, FAMILIES)
    for first in range(0, COUNT, 1000):
        store.write(("entries", key(n), chance.randbytes(60)) for n in range(first, first + 1000))
    store.close()
    # To open it once more writes all of it into a file.
    RocksStore(place, FAMILIES).close()
    return place


def key(number: int) -> bytes:
    return f"{number:06d}".encode()


def table(place: Path) -> Path:
    return max(place.glob("*.sst"), key=lambda file: file.stat().st_size)


def manifest(place: Path) -> Path:
    return next(place.glob("MANIFEST-*"))


def shortened(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def garbled(file: Path, at: float) -> None:
    data = bytearray(file.read_bytes())
    start = int(len(data) * at)
    data[start : start + 200] = Random(2).randbytes(200)  # noqa: S311
    file.write_bytes(data)


def others_removed(place: Path) -> None:
    for file in place.iterdir():
        if file.suffix != ".sst":
            file.unlink()


def aside(place: Path) -> list[Path]:
    return sorted(place.parent.glob("0.damaged-*"))


HURTS: dict[str, Hurt] = {
    "no CURRENT": lambda place: (place / "CURRENT").rename(place / "was"),
    "an empty CURRENT": lambda place: (place / "CURRENT").write_bytes(b""),
    "garbage in CURRENT": lambda place: (place / "CURRENT").write_bytes(b"\xff\x00\n"),
    "a CURRENT that leads nowhere": lambda place: (place / "CURRENT").write_bytes(b"MANIFEST-999999\n"),
    "no MANIFEST": lambda place: manifest(place).rename(place / "was"),
    "half a MANIFEST": lambda place: shortened(manifest(place)),
    "an empty MANIFEST": lambda place: manifest(place).write_bytes(b""),
    "garbage in MANIFEST": lambda place: garbled(manifest(place), 0.05),
    "no table file": lambda place: table(place).rename(place / "was"),
    "half a table file": lambda place: shortened(table(place)),
    "an empty table file": lambda place: table(place).write_bytes(b""),
    "table files alone": others_removed,
}


@pytest.mark.parametrize("hurt", HURTS.values(), ids=HURTS)
def test_a_damaged_folder_is_set_aside_and_an_empty_store_begun(
    hurt: Hurt, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = written(tmp_path)
    hurt(place)
    counted: list[str] = []

    store = open_store(place, FAMILIES, lambda: counted.append("one"))

    assert list(store.scan("entries", b"")) == []
    store.write([("entries", b"new", b"1")])
    store.close()
    (was,) = aside(place)
    assert counted == ["one"]
    assert f"set aside as {was}" in caplog.text
    again = open_store(place, FAMILIES)
    assert again.get("entries", b"new") == b"1"
    again.close()
    assert aside(place) == [was]


@pytest.mark.parametrize("at", [0.0, 0.4, 0.8])
def test_damage_inside_a_file_is_an_error_of_whoever_reads_there_and_never_a_shorter_answer(
    at: float, tmp_path: Path
) -> None:
    place = written(tmp_path)
    garbled(table(place), at)
    store = open_store(place, FAMILIES)

    with pytest.raises(StoreDamaged, match=str(place)):
        list(store.scan("entries", b""))
    with pytest.raises(StoreDamaged, match=str(place)):
        all(store.get("entries", key(number)) for number in range(COUNT))
    with pytest.raises(StoreDamaged, match=str(place)):
        store.check()
    store.close()

    again = open_store(place, FAMILIES)
    assert list(again.scan("entries", b"")) == []
    again.close()
    assert len(aside(place)) == 1


def test_only_the_latest_folder_that_was_set_aside_is_kept(tmp_path: Path) -> None:
    place = tmp_path / "0"
    for _ in range(3):
        store = open_store(place, FAMILIES)
        store.close()
        (place / "CURRENT").write_bytes(b"")

    open_store(place, FAMILIES).close()

    assert len(aside(place)) == 1


def test_a_folder_that_may_not_be_written_is_the_operators_to_correct(tmp_path: Path) -> None:
    place = tmp_path / "0"
    place.write_bytes(b"")

    with pytest.raises(Misconfigured, match=f"cannot be kept in {place}"):
        open_store(place, FAMILIES)

    assert aside(place) == []


def test_a_folder_that_another_has_open_is_no_damage(tmp_path: Path) -> None:
    store = open_store(tmp_path / "0", FAMILIES)

    with pytest.raises(StoreFailed, match="lock"):
        open_store(tmp_path / "0", FAMILIES)

    store.close()
    assert aside(tmp_path / "0") == []


def test_a_bug_of_the_caller_is_no_damage(tmp_path: Path) -> None:
    store = open_store(tmp_path / "0", FAMILIES)

    with pytest.raises(KeyError):
        store.get("no such family", b"key")
    with pytest.raises(TypeError):
        RocksStore(tmp_path / "1", [1])  # type: ignore[list-item]

    store.check()
    store.close()
    open_store(tmp_path / "0", FAMILIES).close()
    assert aside(tmp_path / "0") == []

"""What tables ask of a store, on both its sides."""

import pytest

from streams.tables.store import Store
from tests.tables.stores import Open

FAMILIES = ("a", "b")


def everything(store: Store, family: str = "a") -> list[tuple[bytes, bytes]]:
    return list(store.scan(family, b""))


def test_what_was_written_is_read(opened: Open) -> None:
    store = opened(FAMILIES)

    store.write([("a", b"k", b"1"), ("a", b"empty", b"")])

    assert (store.get("a", b"k"), store.get("a", b"empty"), store.get("a", b"none")) == (b"1", b"", None)
    store.close()


def test_families_do_not_see_each_other(opened: Open) -> None:
    store = opened(FAMILIES)

    store.write([("a", b"k", b"1"), ("b", b"k", b"2")])

    assert (everything(store, "a"), everything(store, "b")) == ([(b"k", b"1")], [(b"k", b"2")])
    store.close()


def test_the_last_of_several_writes_of_a_key_wins(opened: Open) -> None:
    store = opened(FAMILIES)

    store.write(
        [("a", b"k", b"1"), ("a", b"k", None), ("a", b"k", b"2"), ("a", b"x", b"1"), ("a", b"x", None)]
    )

    assert everything(store) == [(b"k", b"2")]
    store.close()


def test_a_key_that_is_not_there_can_be_deleted(opened: Open) -> None:
    store = opened(FAMILIES)

    store.write([("a", b"k", None)])

    assert everything(store) == []
    store.close()


def test_a_scan_walks_in_the_order_of_bytes_from_its_start_on(opened: Open) -> None:
    store = opened(FAMILIES)
    keys = [b"", b"\x00", b"\x00\xff", b"a", b"aa", b"b", b"\x7f", b"\x80", b"\xff" * 8]
    store.write([("a", key, b"") for key in reversed(keys)])

    assert [key for key, _ in store.scan("a", b"")] == sorted(keys)
    assert [key for key, _ in store.scan("a", b"aa")] == [b"aa", b"b", b"\x7f", b"\x80", b"\xff" * 8]
    assert list(store.scan("a", b"\xff" * 9)) == []
    store.close()


def test_a_scan_that_began_does_not_see_what_is_written_since(opened: Open) -> None:
    store = opened(FAMILIES)
    store.write([("a", key, b"old") for key in (b"1", b"2", b"3")])

    scan = store.scan("a", b"")
    first = next(scan)
    store.write([("a", b"2", None), ("a", b"3", b"new"), ("a", b"4", b"new")])

    assert [first, *scan] == [(b"1", b"old"), (b"2", b"old"), (b"3", b"old")]
    assert everything(store) == [(b"1", b"old"), (b"3", b"new"), (b"4", b"new")]
    store.close()


def test_clearing_a_family_leaves_the_others(opened: Open) -> None:
    store = opened(FAMILIES)
    store.write([("a", b"", b"1"), ("a", b"\xff" * 8 + b"x", b"1"), ("b", b"k", b"2")])

    store.clear("a")

    assert (everything(store, "a"), everything(store, "b")) == ([], [(b"k", b"2")])
    store.write([("a", b"again", b"3")])
    assert everything(store, "a") == [(b"again", b"3")]
    store.close()


def test_a_write_that_cannot_be_whole_is_not_made(opened: Open) -> None:
    store = opened(FAMILIES)

    with pytest.raises(KeyError):
        store.write([("a", b"k", b"1"), ("no family", b"k", b"1")])

    assert everything(store) == []
    store.close()


def test_a_store_opened_again_holds_what_it_held(opened: Open) -> None:
    store = opened(FAMILIES)
    store.write([("a", b"k", b"1"), ("b", b"k", b"2")])
    store.close()

    again = opened(FAMILIES)

    assert (everything(again, "a"), everything(again, "b")) == ([(b"k", b"1")], [(b"k", b"2")])
    again.close()

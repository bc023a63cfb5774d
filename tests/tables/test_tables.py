"""Tables over both stores: a batch's changes, its end, the due index, and restoring from the changelog."""

from pathlib import Path

import pytest

from streams.domain.state import Change, Drop
from streams.tables.store import Write
from streams.tables.tables import Tables, table_families
from tests.tables.entries import KINDS, Alarm, Bell, Note, day
from tests.tables.stores import Open, memory

Stream = list[Write]


def over(opened: Open) -> Tables:
    return Tables(opened(table_families(KINDS)), KINDS)


def put(tables: Tables, *changes: Change, owner: str = "anna") -> None:
    for change in changes:
        tables.of(owner).apply(change)


def committed(tables: Tables, offset: int = 0) -> Stream:
    """Commit the batch. Returns what it appended to the changelogs."""
    stream = list(tables.changelog())
    tables.commit(stream, dict.fromkeys(tables.names, offset))
    return stream


def note(name: bytes, text: str = "x") -> Note:
    return Note(name=name, text=text)


def alarm(name: bytes, at: int | None) -> Alarm:
    return Alarm(name=name, rings_at=None if at is None else day(at))


def rings(tables: Tables, at: int) -> list[tuple[str, bytes]]:
    """Every alarm that is due, silenced one by one as an agent does."""
    rang = []
    while found := tables.first_due(day(at)):
        owner, entry = found
        assert isinstance(entry, Alarm)
        rang.append((owner, entry.name))
        tables.of(owner).apply(alarm(entry.name, None))
    return rang


def test_a_batch_sees_its_own_changes_and_the_store_does_not(opened: Open) -> None:
    tables = over(opened)
    put(tables, note(b"1"))
    committed(tables)

    put(tables, Drop(entry=note(b"1")), note(b"2"))

    anna = tables.of("anna")
    assert (anna.get(Note, b"1"), anna.get(Note, b"2")) == (None, note(b"2"))
    assert [key for _, _, key, _ in tables.entries()] == [b"n1"]
    tables.close()


def test_owners_whose_names_begin_alike_do_not_see_each_other(opened: Open) -> None:
    tables = over(opened)
    for owner in ("ann", "anna", "annabel"):
        put(tables, note(b"1", owner), owner=owner)
    committed(tables)

    assert [n.text for n in tables.of("anna").scan(Note)] == ["anna"]
    tables.close()


def test_a_scan_merges_stored_and_changed_in_key_order(opened: Open) -> None:
    tables = over(opened)
    put(tables, *(note(key, "stored") for key in (b"1", b"3", b"5", b"7")))
    committed(tables)

    put(tables, note(b"0", "new"), note(b"3", "changed"), note(b"4", "new"), note(b"9", "new"))
    put(tables, Drop(entry=note(b"5")), note(b"6", "new"), Drop(entry=note(b"6")))

    found = [(n.name, n.text) for n in tables.of("anna").scan(Note)]
    assert found == [
        (b"0", "new"),
        (b"1", "stored"),
        (b"3", "changed"),
        (b"4", "new"),
        (b"7", "stored"),
        (b"9", "new"),
    ]
    tables.close()


def test_a_scan_goes_on_while_what_it_yields_is_dropped(opened: Open) -> None:
    tables = over(opened)
    put(tables, note(b"1"), note(b"2"))
    committed(tables)
    put(tables, note(b"3"))

    seen = []
    for found in tables.of("anna").scan(Note):
        put(tables, Drop(entry=found))
        seen.append(found.name)

    assert seen == [b"1", b"2", b"3"]
    assert list(tables.of("anna").scan(Note)) == []
    tables.close()


def test_a_scan_keeps_to_its_prefix_and_kind(opened: Open) -> None:
    tables = over(opened)
    put(tables, alarm(b"x1", None), alarm(b"x2", None), alarm(b"y1", None), Bell(size=1))
    committed(tables)
    put(tables, alarm(b"x3", None), alarm(b"y2", None))

    assert [a.name for a in tables.of("anna").scan(Alarm, b"x")] == [b"x1", b"x2", b"x3"]
    assert list(tables.of("anna").scan(Bell)) == [Bell(size=1)]
    tables.close()


def test_the_changelog_holds_one_record_for_each_changed_key(opened: Open) -> None:
    tables = over(opened)
    put(tables, note(b"1", "a"), note(b"1", "b"), note(b"2"), Drop(entry=note(b"2")))

    stream = committed(tables)

    assert [(table, key) for table, key, _ in stream] == [("notes", b"anna\x00n1"), ("notes", b"anna\x00n2")]
    assert [value is None for _, _, value in stream] == [False, True]
    assert list(tables.changelog()) == []
    tables.close()


def test_an_aborted_batch_is_forgotten_with_its_timers(opened: Open) -> None:
    tables = over(opened)
    put(tables, note(b"1", "kept"), alarm(b"1", 1))
    committed(tables)

    put(tables, note(b"1", "lost"), note(b"2"), alarm(b"2", 0), Drop(entry=alarm(b"1", 1)))
    assert rings(tables, 0) == [("anna", b"2")]
    tables.abort()

    anna = tables.of("anna")
    assert (anna.get(Note, b"1"), anna.get(Note, b"2")) == (note(b"1", "kept"), None)
    assert list(tables.changelog()) == []
    assert rings(tables, 9) == [("anna", b"1")]
    tables.close()


def test_what_is_due_comes_by_time_then_owner_then_key_whether_stored_or_changed(opened: Open) -> None:
    tables = over(opened)
    put(tables, alarm(b"b", 2), alarm(b"a", 5), owner="boris")
    put(tables, alarm(b"c", 2), owner="anna")
    committed(tables)
    put(tables, alarm(b"a", 2), alarm(b"d", 1), owner="boris")
    put(tables, alarm(b"e", 3), alarm(b"later", 4), owner="anna")

    assert tables.first_due(day(0)) is None
    assert rings(tables, 3) == [
        ("boris", b"d"),
        ("anna", b"c"),
        ("boris", b"a"),
        ("boris", b"b"),
        ("anna", b"e"),
    ]
    committed(tables)
    assert rings(tables, 9) == [("anna", b"later")]
    tables.close()


def test_an_alarm_set_earlier_than_all_that_rang_still_rings(opened: Open) -> None:
    """The index remembers up to where it was emptied; that must not hide what is put before."""
    tables = over(opened)
    put(tables, alarm(b"1", 5), alarm(b"2", 6))
    committed(tables)
    assert rings(tables, 5) == [("anna", b"1")]
    committed(tables)

    put(tables, alarm(b"3", 1))
    committed(tables)

    assert rings(tables, 9) == [("anna", b"3"), ("anna", b"2")]
    tables.close()


def test_an_alarm_moved_away_and_back_in_one_batch_rings_once(opened: Open) -> None:
    tables = over(opened)
    put(tables, alarm(b"1", 1))
    committed(tables)

    put(tables, alarm(b"1", 3), Drop(entry=alarm(b"1", 3)), alarm(b"1", 1))

    assert rings(tables, 9) == [("anna", b"1")]
    committed(tables)
    assert rings(tables, 9) == []
    tables.close()


def test_tables_opened_again_hold_the_committed_with_its_timers_and_checkpoints(opened: Open) -> None:
    tables = over(opened)
    put(tables, note(b"1"), alarm(b"1", 1))
    committed(tables, offset=7)
    put(tables, note(b"2"))
    tables.close()

    again = over(opened)

    assert list(again.of("anna").scan(Note)) == [note(b"1")]
    assert [again.checkpoint(name) for name in again.names] == [7, 7]
    assert rings(again, 1) == [("anna", b"1")]
    again.close()


def test_tables_closed_in_the_middle_of_a_batch_let_go_of_the_store(opened: Open) -> None:
    tables = over(opened)
    put(tables, alarm(b"1", 1))
    committed(tables)
    assert tables.first_due(day(0)) is None

    tables.close()

    again = over(opened)
    assert rings(again, 1) == [("anna", b"1")]
    again.close()


def test_a_new_store_has_no_checkpoints_and_no_whole_index(opened: Open) -> None:
    tables = over(opened)

    assert [tables.checkpoint(name) for name in tables.names] == [0, 0]
    assert not tables.indexed
    tables.close()


def test_an_index_that_was_made_is_whole(opened: Open) -> None:
    tables = over(opened)

    tables.index()

    assert tables.indexed
    tables.close()


@pytest.fixture
def history(opened: Open) -> tuple[Tables, list[Stream]]:
    """Tables with a past, and the changelog of each of its batches."""
    tables = over(opened)
    tables.index()
    streams = []
    put(tables, note(b"1"), alarm(b"1", 1), alarm(b"2", 2), Bell(size=3))
    streams.append(committed(tables, 1))
    put(tables, note(b"1", "y"), alarm(b"1", 4), Drop(entry=alarm(b"2", 2)), alarm(b"3", 3), owner="anna")
    put(tables, alarm(b"9", 2), owner="boris")
    streams.append(committed(tables, 2))
    put(tables, alarm(b"3", None), Drop(entry=note(b"1")), alarm(b"9", 1), owner="boris")
    streams.append(committed(tables, 3))
    return tables, streams


def restore(tables: Tables, streams: list[Stream], offset: int) -> None:
    for name in tables.names:
        records = [(key, value) for stream in streams for table, key, value in stream if table == name]
        tables.restore(name, records, offset)


def memory_tables() -> Tables:
    return over(memory(Path()))


def same(one: Tables, other: Tables) -> None:
    assert list(one.entries()) == list(other.entries())
    assert list(one.due_keys(b"", day(99))) == list(other.due_keys(b"", day(99)))
    assert [one.checkpoint(n) for n in one.names] == [other.checkpoint(n) for n in other.names]


def test_an_index_made_again_equals_the_one_that_was_kept(history: tuple[Tables, list[Stream]]) -> None:
    tables, _ = history
    kept = list(tables.due_keys(b"", day(99)))

    tables.index()

    assert len(kept) == 3
    assert list(tables.due_keys(b"", day(99))) == kept
    tables.close()


def test_restoring_everything_gives_the_same_entries_timers_and_checkpoints(
    history: tuple[Tables, list[Stream]],
) -> None:
    tables, streams = history
    wiped = memory_tables()

    restore(wiped, streams, 3)
    wiped.index()

    same(wiped, tables)
    tables.close()


@pytest.mark.parametrize("kept", [1, 2])
def test_restoring_a_tail_gives_the_same_entries_timers_and_checkpoints(
    history: tuple[Tables, list[Stream]], kept: int
) -> None:
    tables, streams = history
    behind = memory_tables()
    restore(behind, streams[:kept], kept)
    behind.index()

    restore(behind, streams[kept:], 3)

    same(behind, tables)
    tables.close()


def test_restoring_what_is_there_already_changes_nothing(history: tuple[Tables, list[Stream]]) -> None:
    tables, streams = history
    again = memory_tables()
    restore(again, streams, 3)
    again.index()

    restore(again, streams, 3)

    same(again, tables)
    tables.close()


def test_cleared_tables_are_as_new(history: tuple[Tables, list[Stream]]) -> None:
    tables, _ = history

    tables.clear()

    assert list(tables.entries()) == []
    assert not tables.indexed
    assert [tables.checkpoint(name) for name in tables.names] == [0, 0]
    assert tables.first_due(day(99)) is None
    tables.close()

"""Files of the past as one history: at the lines' own times, in the order of these."""

from datetime import timedelta

from connectors.imports.history import date_commands, sort_by_time
from connectors.imports.kind import ImportRun
from connectors.imports.reader import KINDS, Reading, read
from tests.driver import instant
from tests.samples import NOON, STORE

RUN = ImportRun(STORE, NOON)
MEMBERS = b"""\
memberExternalId,registeredAt
C-1,1997-01-01
C-2,1997-03-01
C-3,
"""
TRANSACTIONS = b"""\
documentNumber,purchasedAt,sku,grossValue,memberExternalId
R-2,1997-03-01,CD,20,C-2
R-1,1997-02-01,CD,10,C-1
R-3,2026-03-02T12:00:01,CD,30,C-1
"""


def files(run: ImportRun = RUN) -> tuple[Reading, Reading]:
    return date_commands(read(KINDS["members"], MEMBERS, run), run), date_commands(
        read(KINDS["transactions"], TRANSACTIONS, run), run
    )


def test_commands_are_issued_when_their_lines_say_and_members_come_before_what_they_buy() -> None:
    members, transactions = files()

    ready = sort_by_time(members.ready, transactions.ready)

    assert [(type(one.record).__name__, one.lines, one.record.issued_at) for one in ready] == [
        ("RegisterMember", (2,), instant("1997-01-01")),
        ("RegisterTransaction", (3,), instant("1997-02-01")),
        ("RegisterMember", (3,), instant("1997-03-01")),
        ("RegisterTransaction", (2,), instant("1997-03-01")),
    ]


def test_a_line_without_a_time_or_of_the_future_is_refused() -> None:
    members, transactions = files()

    assert members.refused == [(4, "registeredAt", "", "must be given: history is played by it")]
    assert transactions.refused == [
        (4, "purchasedAt", "2026-03-02 12:00:01+00:00", "must not lie in the future")
    ]


def test_the_same_files_make_the_same_commands_later() -> None:
    once, later = files(), files(ImportRun(STORE, NOON - timedelta(days=1)))

    for before, after in zip(once, later, strict=True):
        assert [one.command_id for one in before.ready] == [one.command_id for one in after.ready]

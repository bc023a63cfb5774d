"""All kinds of files through a real worker: what they say happens once, however often they are sent."""

import csv
import subprocess
from collections import Counter
from pathlib import Path

from streams.codec.avro import decode_tree as read_record
from streams.settings import Settings
from streams.topics import EVENTS
from tests.kafka.fleet import Fleet
from tests.kafka.processes import LOYALTY, environment
from tests.samples import STORE

WITHIN = 90.0

MEMBERS = """\
memberExternalId,firstName,email,phone
C-1,Anna,anna@example.com,+48 600 100
C-2,Boris,boris@example.com,
C-3,Celia,no address,
"""
MORE_MEMBERS = """\
memberExternalId,firstName,email,phone
C-4,Dora,Anna@example.com,
"""
TRANSACTIONS = """\
documentNumber;purchasedAt;sku;grossValue;email;memberExternalId
R-1;2026-03-02T12:00:00Z;CD;10.50;anna@example.com;
R-1;2026-03-02T12:00:00Z;BAG;1;anna@example.com;
R-2;2026-03-02T13:00:00Z;CD;20;;C-2
R-3;2026-03-02T14:00:00Z;CD;30;;
R-4;2026-03-02T14:00:00Z;CD;thirty;;
"""
MATCHES = """\
documentNumber,email
R-3,Boris@example.com
R-9,boris@example.com
"""
TRANSFERS = """\
transferId,type,units,memberExternalId,email,phone
T-1,adding,100,C-1,,
T-2,spending,15,,,+48-600-100
T-3,adding,5,,boris@example.com,
T-4,adding,5,,nobody@example.com,
T-5,spending,1000000,C-1,,
"""
FILES = {
    "members": MEMBERS,
    "members-more": MORE_MEMBERS,
    "transactions": TRANSACTIONS,
    "matches": MATCHES,
    "transfers": TRANSFERS,
}
"""In the order in which they are imported."""


def imported(settings: Settings, name: str, folder: Path, *more: str) -> tuple[int, str, list[list[str]]]:
    """Exit code, what it says, and its report."""
    file, report = folder / f"{name}.csv", folder / "refused.csv"
    file.write_text(FILES[name])
    done = subprocess.run(
        [LOYALTY, "import", name.partition("-")[0], file, "--store", STORE, "--report", report, *more],
        env=environment(settings) | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN,
    )
    assert "Traceback" not in done.stderr
    with report.open(newline="") as lines:
        _, *refused = csv.reader(lines)
    return done.returncode, done.stdout + done.stderr, refused


def facts(fleet: Fleet) -> Counter[str]:
    """By name, all that the events topic holds."""
    followed = fleet.followed(EVENTS)
    followed.read_to_end()
    followed.close()
    return Counter(
        read_record(record.value, record.schema)[0]
        for records in followed.records[EVENTS.name].values()
        for record in records
    )


def test_every_kind_of_file_happens_once_however_often_it_is_imported(
    settings: Settings, tmp_path: Path
) -> None:
    fleet = Fleet(settings, tmp_path)
    try:
        fleet.worker("one")

        first = {kind: imported(settings, kind, tmp_path) for kind in FILES}
        happened = facts(fleet)
        again = {kind: imported(settings, kind, tmp_path) for kind in FILES}

        assert {kind: [line[:3] for line in refused] for kind, (_, _, refused) in first.items()} == {
            "members": [["4", "email", "no address"]],
            "members-more": [["2", "profile.email", "anna@example.com"]],
            "transactions": [["6", "grossValue", "thirty"]],
            "matches": [["3", "document_number", "R-9"]],
            "transfers": [["5", "email", "nobody@example.com"], ["6", "units", "1000000"]],
        }
        assert {kind: code for kind, (code, _, _) in first.items()} == dict.fromkeys(FILES, 1)
        for kind, sent in {
            "members": "2 commands sent: 2 accepted, 0 refused",
            "members-more": "1 commands sent: 0 accepted, 1 refused",
            "transactions": "3 commands sent: 3 accepted, 0 refused",
            "matches": "2 commands sent: 1 accepted, 1 refused",
            "transfers": "5 commands sent: 3 accepted, 2 refused",
        }.items():
            assert sent in first[kind][1]
        assert happened["MemberRegistered"] == 2
        assert happened["TransactionRecorded"] == happened["TransactionAssigned"] == 3
        assert happened["UnitsSpent"] == 1
        assert facts(fleet) == happened
        assert {kind: refused for kind, (_, _, refused) in again.items()} == {
            kind: refused for kind, (_, _, refused) in first.items()
        }
        for kind, handled in {"members": 2, "transactions": 3, "matches": 1, "transfers": 3}.items():
            assert "0 accepted" in again[kind][1]
            assert f"{handled} handled before, which changed nothing" in again[kind][1]
    finally:
        fleet.close()


def test_what_nobody_has_handled_yet_is_said_to_be_unknown(settings: Settings, tmp_path: Path) -> None:
    # It makes the store, and starts no worker.
    Fleet(settings, tmp_path).close()

    code, said, refused = imported(settings, "matches", tmp_path, "--wait", "1")

    assert "2 commands sent: 0 accepted, 0 refused, of 2 it is not known: no outcome came in 1 s" in said
    assert (code, refused) == (0, [])

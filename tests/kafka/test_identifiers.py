"""A store's zone and rules at the command line: files are read by them, and who does not fit is listed."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from streams.codec.avro import decode_tree, encode
from streams.settings import Settings
from streams.topics import EVENTS, SETTINGS
from tests.crash.world import put
from tests.kafka.fleet import Fleet
from tests.kafka.processes import LOYALTY, environment
from tests.samples import SETTINGS as SAMPLE
from tests.samples import STORE

MEMBERS = """\
memberExternalId,registeredAt,phone,loyaltyCardNumber
C-1,2025-11-28,600 100 203,C-1
C-2,2025-11-28T23:30:00,N/A,
"""
TRANSFERS = """\
transferId,type,units,phone
T-1,adding,5,0048 600\u2011100\u2011203
"""


@pytest.fixture
def fleet(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(settings, tmp_path)
    yield made
    made.close()


def loyalty(settings: Settings, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [LOYALTY, *arguments],
        env=environment(settings, COLUMNS="200"),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


def test_files_are_read_by_the_store_s_zone_and_rules_and_who_does_not_fit_is_listed(
    fleet: Fleet, tmp_path: Path
) -> None:
    polish = replace(SAMPLE, time_zone="America/New_York", phone_region="PL")
    put(fleet.connection, SETTINGS, {STORE: encode(polish)})
    fleet.worker("only")
    for name, text in (("members", MEMBERS), ("transfers", TRANSFERS)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")

    members = loyalty(fleet.settings, "import", "members", tmp_path / "members.csv")
    transfers = loyalty(fleet.settings, "import", "transfers", tmp_path / "transfers.csv")
    put(fleet.connection, SETTINGS, {STORE: encode(replace(polish, card_pattern="26[0-9]{11}"))})
    listed = loyalty(fleet.settings, "identifiers", "check")

    assert f"times that name no zone are of America/New_York, as store {STORE} is" in members.stdout
    assert "1 commands sent: 1 accepted, 0 refused" in members.stdout
    assert "is a placeholder, which names nobody: leave it empty" in members.stdout
    assert "1 commands sent: 1 accepted, 0 refused" in transfers.stdout
    facts = facts_of(fleet)
    assert facts["MemberRegistered"]["registered_at"] == datetime(2025, 11, 28, 5, tzinfo=UTC)
    assert facts["UnitsEarned"]["member_id"] == facts["MemberRegistered"]["member_id"]
    assert "must match the store's card_pattern 26[0-9]{11}" in listed.stdout
    assert "1 identifiers cannot be read, 0 would have another form, 0 of these clash" in listed.stdout
    assert listed.returncode == 0


def facts_of(fleet: Fleet) -> dict[str, dict[str, object]]:
    followed = fleet.followed(EVENTS)
    followed.read_to_end()
    followed.close()
    records = [record for group in followed.records[EVENTS.name].values() for record in group]
    return dict(decode_tree(record.value, record.schema) for record in records)

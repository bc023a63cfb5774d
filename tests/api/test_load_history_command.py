"""`loyalty load-history` before anything is sent: what it checks, and what it says."""

from pathlib import Path

import pytest

from api.cli.imports.history import REFUSED, load
from streams.errors import Misconfigured

MEMBERS = "memberExternalId,registeredAt\nC-1,1997-01-01\n"
TRANSACTIONS = "documentNumber,purchasedAt,sku,grossValue,memberExternalId\nR-1,1997-02-01,CD,10,C-1\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    members, transactions = tmp_path / "members.csv", tmp_path / "transactions.csv"
    members.write_text(MEMBERS)
    transactions.write_text(TRANSACTIONS)
    return members, transactions


def test_a_dry_run_says_from_when_to_when_the_history_is(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    members, transactions = files

    load(members=members, transactions=transactions, dry_run=True)

    assert capsys.readouterr().out.splitlines() == [
        "2 commands, from 1997-01-01 to 1997-02-01",
        "nothing was sent",
        f"{members}: 0 lines refused",
        f"{transactions}: 0 lines refused",
    ]


def test_where_a_line_is_refused_nothing_is_sent_for_it_could_not_be_played_later(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    members, transactions = files
    members.write_text(MEMBERS + "C-2,\n")

    with pytest.raises(SystemExit) as ended:
        load(members=members, transactions=transactions)

    assert ended.value.code == REFUSED
    said = capsys.readouterr().out
    assert "nothing was sent" in said
    assert f"{members}: 1 lines refused" in said
    assert "must be given: history is played by it" in said


def test_a_file_of_other_columns_is_named(files: tuple[Path, Path]) -> None:
    members, transactions = files

    with pytest.raises(Misconfigured, match=r"members\.csv: line 1: column 'documentNumber' is unknown"):
        load(members=transactions.rename(members), transactions=members)

"""`loyalty import` before anything is sent: what it checks, and what it says of a mistake."""

from pathlib import Path

import pytest

from api.cli.imports import REFUSED, KindName, run
from api.cli.imports.report import SHOWN
from connectors.imports.kind import ImportRun
from connectors.imports.reader import KINDS
from streams.errors import Misconfigured
from tests.samples import NOON

HEADER = "documentNumber,email\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "matches.csv"
    made.write_text(HEADER + "R-1,anna@example.com\n")
    return made


def test_a_dry_run_needs_no_broker_and_says_what_would_be_sent(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("matches", file, dry_run=True)

    assert capsys.readouterr().out.splitlines() == [
        f"{file}: 1 commands in 1 lines; 0 lines refused",
        "dry run: nothing was sent",
    ]


def test_every_refused_line_is_in_the_report_and_the_first_are_shown(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(HEADER + "".join(f"R-{n},nowhere\n" for n in range(SHOWN + 1)), encoding="utf-8")
    report = file.with_name("refused.csv")

    with pytest.raises(SystemExit) as ended:
        run("matches", file, dry_run=True, report=report)

    assert ended.value.code == REFUSED
    header, first, *_, last = report.read_text(encoding="utf-8").splitlines()
    reason = '"is no e-mail address, such as name@example.com"'
    assert [header, first] == ["line,field,value,reason", f"2,email,nowhere,{reason}"]
    assert last == f"{SHOWN + 2},email,nowhere,{reason}"
    assert f"{SHOWN} of {SHOWN + 1} refused lines shown" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "option", "value", "complaint"),
    [
        ("matches", "store", "my store", "--store 'my store' is not valid: must be 1 to 64 letters"),
        ("matches", "attempt", "", "--attempt '' is not valid"),
        ("matches", "zone", "Mars/Olympus", "--zone 'Mars/Olympus' is not valid: a time zone such as"),
        ("matches", "zone", "../etc", "--zone '../etc' is not valid"),
        ("transfers", "attempt", "2", "--attempt '2' is not for transfers: they would be made twice"),
        ("matches", "file", None, "FILE is missing"),
        ("matches", "file", Path("nowhere.csv"), "nowhere.csv cannot be read: No such file"),
        ("matches", "report", Path("nowhere/refused.csv"), "refused.csv cannot be written: No such file"),
        (
            "transfers",
            "zone",
            "UTC",
            "matches.csv: line 1: column 'documentNumber' is unknown; valid are: tr",
        ),
    ],
)
def test_a_mistake_is_told_in_a_sentence(
    kind: KindName, option: str, value: object, complaint: str, file: Path
) -> None:
    options = {"file": file, "dry_run": True, option: value}

    with pytest.raises(Misconfigured) as told:
        run(kind, **options)  # type: ignore[arg-type]

    assert complaint in str(told.value)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_column_is_explained(kind: KindName, capsys: pytest.CaptureFixture[str]) -> None:
    run(kind, columns=True)

    said = capsys.readouterr().out
    columns = KINDS[kind].columns(ImportRun("DEFAULT", NOON))
    assert [column.name for column in columns if f"\n {column.name} " not in said] == []

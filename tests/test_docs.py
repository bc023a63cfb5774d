"""The README says what there is: settings, webhooks, and nothing longer than it should be."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from streams.codec.avro import released_schemas
from streams.domain.commands import AdvanceClock, DocumentCommand, MemberCommand
from streams.projections.erasures import Left, remaining_data
from streams.settings import Settings, variable_name
from streams.topics import TOPICS
from streams.webhooks import CATALOGUE

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_every_setting_is_in_the_readme_in_its_own_words() -> None:
    for name, field in Settings.model_fields.items():
        assert f"| `{variable_name(name)}` | {field.description}" in README


def test_every_webhook_is_named() -> None:
    (said,) = re.findall(r"All 18 can be subscribed to[^:]*:(.*?)\n\n", README, re.DOTALL)

    assert set(re.findall(r"`(\w+)`", said)) == set(CATALOGUE)


def test_every_path_that_the_readme_names_is_there() -> None:
    named = re.findall(r"`((?:streams|schemas|connectors|api|tests)/[\w./-]*)`", README)

    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("folder", ["api", "streams"])
def test_every_module_stands_in_its_package_s_map(folder: str) -> None:
    files = [file.stem for file in (ROOT / folder).glob("*.py") if file.stem != "__init__"]
    told, _, _ = (ROOT / folder / "__init__.py").read_text().partition('"""\n')

    assert [name for name in files if not re.search(rf"\b{name}\b", told)] == []


def test_the_readme_is_short_and_shows_a_webhook_early() -> None:
    lines = README.splitlines()

    assert len(lines) <= 150
    assert any("messageId" in line for line in lines[:40])


def test_how_long_each_topic_is_kept_is_written_down() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()

    for topic in TOPICS:
        (said,) = re.findall(rf"^\| `{topic.name}` \| (.*) \|$", page, re.MULTILINE)
        days = topic.history or topic.retention
        whole = "latest of each key" if topic.compacted else "for ever"
        assert (f"{days.days} days" if days else whole) in said


def test_every_command_schema_is_on_the_producers_page() -> None:
    page = (ROOT / "docs" / "writing-commands.md").read_text()
    released = released_schemas().values()
    newest = {
        f"{kind.__name__}.v{max(s.version for s in released if s.name == kind.__name__)}.avsc"
        for kind in (*get_args(MemberCommand), *get_args(DocumentCommand), AdvanceClock)
    }

    assert {name for name in newest if f"({name})" not in page} == set()


def test_what_remains_of_an_erased_member_is_written_down() -> None:
    page = (ROOT / "docs" / "erasure.md").read_text()
    erased_at = datetime(2026, 1, 1, tzinfo=UTC)

    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*) \|$", page, re.MULTILINE))

    assert rows == {
        one.topic.name: f"{one.what} | {gone(one, erased_at)}" for one in remaining_data(TOPICS, erased_at)
    }


def gone(one: Left, erased_at: datetime) -> str:
    days = (one.gone_at - erased_at).days
    if not days:
        return "at once, with its key"
    return f"{days} days{', then at the next record' if one.compacted else ''}"

"""The documents say what there is: settings, webhooks, topics, paths; and their links lead somewhere."""

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from streams.codec.avro import released_schemas
from streams.domain.commands import AdvanceClock, DocumentCommand, MemberCommand
from streams.projections.erasures import DataRemainder, remaining_data
from streams.settings import Settings, variable_name
from streams.topics import TOPICS
from streams.webhooks import CATALOGUE

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


PAGES = [
    ROOT / name
    for name in subprocess.check_output(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT, text=True
    ).split()
]


def test_every_setting_is_on_its_page_in_its_own_words() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()

    told = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert told == [variable_name(name) for name in Settings.model_fields]
    for name, field in Settings.model_fields.items():
        assert f"| `{variable_name(name)}` | {field.description}" in page


def links(page: str) -> set[str]:
    """What a page's links and pictures lead to within the repository, code blocks aside."""
    text = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    return {target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target}


def anchors(page: str) -> set[str]:
    """What a browser can jump to: GitHub's form of each heading."""
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_or_a_heading(page: Path) -> None:
    for link in links(page.read_text()):
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), f"{page.name} links to {link}"
        assert not anchor or anchor in anchors(target.read_text()), f"{page.name} links to {link}"


def test_a_link_that_leads_nowhere_is_found() -> None:
    assert links("[a](b.md) ![c](d/e.png) [f](https://g.example) ```[h](i)```") == {"b.md", "d/e.png"}
    assert anchors("# One: a `word`\n\n## Two") == {"one-a-word", "two"}


def test_every_webhook_is_named() -> None:
    (said,) = re.findall(r"All 18 can be subscribed to[^:]*:(.*?)\n\n", README, re.DOTALL)

    assert set(re.findall(r"`(\w+)`", said)) == set(CATALOGUE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_is_there(page: Path) -> None:
    # What a recipe writes is there for whoever follows it.
    text = re.sub(r"Write `[^`]+`", "", page.read_text())
    named = re.findall(r"`((?:streams|schemas|connectors|api|tests|docs)/[\w./-]*)`", text)

    assert [path for path in named if not (ROOT / path).exists()] == []


ROOMS_WITH_A_MAP = [
    "api",
    "api/cli",
    "streams",
    "connectors",
    "connectors/cdnow",
    "connectors/http",
    "connectors/imports",
    "schemas",
    *(
        f"streams/{room}"
        for room in ("kafka", "local_broker", "runtime", "migration", "reconcile", "projections", "jobs")
    ),
]


@pytest.mark.parametrize("folder", ROOMS_WITH_A_MAP)
def test_every_module_stands_in_its_package_s_map(folder: str) -> None:
    files = [file.stem for file in (ROOT / folder).glob("*.py") if file.stem != "__init__"]
    told, _, _ = (ROOT / folder / "__init__.py").read_text().partition('"""\n')

    assert [name for name in files if not re.search(rf"\b{name}\b", told)] == []


def test_the_readme_is_short_and_shows_a_webhook_early() -> None:
    lines = README.splitlines()

    assert len(lines) <= 120
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

    assert {name for name in newest if f"(../schemas/{name})" not in page} == set()


def test_what_remains_of_an_erased_member_is_written_down() -> None:
    page = (ROOT / "docs" / "erasure.md").read_text()
    erased_at = datetime(2026, 1, 1, tzinfo=UTC)

    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*) \|$", page, re.MULTILINE))

    assert rows == {
        one.topic.name: f"{one.what} | {gone(one, erased_at)}" for one in remaining_data(TOPICS, erased_at)
    }


def gone(one: DataRemainder, erased_at: datetime) -> str:
    days = (one.gone_at - erased_at).days
    if not days:
        return "at once, with its key"
    return f"{days} days{', then at the next record' if one.compacted else ''}"

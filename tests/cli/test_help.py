"""Help pages, version and completion of the `loyalty` command, walked over every command there is."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from api.cli import app
from api.cli.help_pages import EXAMPLES, LOOK, REPAIR, RUN, SET_UP

LOYALTY = str(Path(sys.executable).with_name("loyalty"))


def pages(words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words that lead to each help page, the groups' among them."""
    yield words
    here = get_command(app)
    for word in words:
        assert isinstance(here, TyperGroup)
        here = here.commands[word]
    if isinstance(here, TyperGroup):
        for name in here.commands:
            yield from pages((*words, name))


@pytest.mark.parametrize("words", list(pages()), ids=lambda words: " ".join(words) or "loyalty")
def test_each_help_page_ends_with_an_example(words: tuple[str, ...]) -> None:
    page = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "300", "TERMINAL_WIDTH": "300"})

    assert page.exit_code == 0
    assert page.output.rstrip().endswith(f"Example: {EXAMPLES[' '.join(words)]}")


@pytest.mark.parametrize("words", list(EXAMPLES))
def test_each_example_is_a_line_that_its_command_takes(words: str) -> None:
    line = EXAMPLES[words].partition(" | ")[0]
    parts = shlex.split(line.partition(" > ")[0].partition(" < ")[0])
    while "=" in parts[0]:
        parts.pop(0)
    assert parts[0] == "loyalty"
    command = get_command(app)
    rest = parts[1:]
    while isinstance(command, TyperGroup):
        command = command.commands[rest.pop(0)]

    command.make_context("loyalty", rest)


def test_each_example_is_of_a_page() -> None:
    assert set(EXAMPLES) == {" ".join(words) for words in pages()}


def test_each_command_is_in_one_of_the_four_groups() -> None:
    named = [(each.name, each.rich_help_panel) for each in app.registered_commands]
    named += [(each.name, each.rich_help_panel) for each in app.registered_groups]

    assert [name for name, group in named if group not in (RUN, SET_UP, LOOK, REPAIR)] == []


def test_the_version_is_told() -> None:
    answer = CliRunner().invoke(app, ["--version"])

    assert (answer.exit_code, answer.output) == (0, "loyalty 0.1.0\n")


def test_a_misspelled_command_is_told_what_it_may_mean() -> None:
    answer = CliRunner().invoke(app, ["docter"])

    assert answer.exit_code == 2
    assert "Did you mean 'doctor'?" in answer.output


def test_a_shell_completes_commands() -> None:
    asked = {"_LOYALTY_COMPLETE": "complete_bash", "COMP_WORDS": "loyalty dead-letters re", "COMP_CWORD": "2"}

    told = subprocess.run(
        [LOYALTY], env=os.environ | asked, capture_output=True, text=True, timeout=30, check=False
    )

    assert told.stdout.split() == ["redrive"]

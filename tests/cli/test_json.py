"""Whatever lists or shows something prints it for machines too."""

import json

import pytest
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from api.cli import app
from streams.settings import Settings
from streams.webhooks import CATALOGUE
from tests.cli.test_help import pages

SHOWING = {"list", "show", "status", "settings", "why", "preview", "diff", "reconcile", "test", "add"}
JSON_ALREADY = {"dead-letters show"}
"""Prints nothing but JSON."""
WITHOUT = {"broker status", "topics list"}
"""Still for people only; may only shrink."""


def test_each_command_that_lists_or_shows_something_has_json() -> None:
    missing = set()
    for words in pages():
        command = get_command(app)
        for word in words:
            assert isinstance(command, TyperGroup)
            command = command.commands[word]
        options = {option for each in command.params for option in each.opts}
        if words and words[-1] in SHOWING and not isinstance(command, TyperGroup) and "--json" not in options:
            missing.add(" ".join(words))

    assert missing - JSON_ALREADY <= WITHOUT


@pytest.mark.parametrize(("line", "rows"), [("webhooks list", len(CATALOGUE)), ("settings", None)])
def test_each_line_is_an_object(line: str, rows: int | None) -> None:
    answer = CliRunner().invoke(app, [*line.split(), "--json"])

    found = [json.loads(each) for each in answer.output.splitlines()]
    assert len(found) == (rows or len(Settings.model_fields))


def test_settings_keep_secrets_to_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_SECRET_KEY", "lsk_" + "A" * 43)

    assert "AAAA" not in CliRunner().invoke(app, ["settings", "--json"]).output

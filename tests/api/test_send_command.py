"""`loyalty send`, and the route that it uses: commands as JSON, checked by their schemas, answered."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from api.cli import app
from api.cli.api_client import ApiClient
from api.cli.send import read_commands, send_all
from streams.errors import Misconfigured
from tests.api.conftest import KEY, Door, complaints
from tests.samples import uid

COMMAND = "/api/DEFAULT/command"
REGISTER = {"type": "RegisterMember", "profile": {"email": "eve@example.com"}}


def send(door: Door, **fields: object) -> httpx.Response:
    return door.call("POST", COMMAND, json={"command": fields})


def test_a_command_is_answered_with_what_came_of_it(door: Door) -> None:
    registered = send(door, **REGISTER)
    member = registered.json()["memberId"]

    added = send(door, type="AddUnits", member="email=eve@example.com", units=12.5, comment="welcome")
    refused = send(door, type="SpendUnits", member_id=member, units="99")

    assert (registered.status_code, registered.json()["status"]) == (200, "accepted")
    assert (added.status_code, added.json()["memberId"]) == (200, member)
    assert set(complaints(refused)) == {"command.units"}


def test_a_command_with_an_id_of_its_own_is_done_once(door: Door) -> None:
    asked = REGISTER | {"command_id": uid(77), "member_id": uid(78)}

    first, again = send(door, **asked), send(door, **asked)
    other = send(door, **(asked | {"profile": {"email": "other@example.com"}}))

    assert (first.json(), again.json()) == (
        {"commandId": uid(77), "memberId": uid(78), "status": "accepted"},
    ) * 2
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ({"type": "AddUnit"}, {"command.type": 'There is no command "AddUnit"; did you mean AddUnits?'}),
        (
            {"type": "AddUnits", "member_id": uid(1), "unit": 5, "units": 5},
            {"command.unit": "AddUnits has no such field; did you mean units?"},
        ),
        (
            {"type": "RegisterMember", "profile": {"e_mail": "x"}},
            {"command.profile.e_mail": "Profile has no such field; did you mean email?"},
        ),
        ({"type": "AddUnits", "units": 5}, {"command.member_id": "Name the member: a UUID here, or in "}),
        ({"type": "AddUnits", "member_id": uid(1)}, {"command.units": "Object missing required field"}),
        (
            {"type": "AddUnits", "member_id": uid(1), "units": "x"},
            {"command.units": "Invalid decimal string."},
        ),
        (
            {"type": "AddUnits", "member": "email=nobody@x.org", "units": 1},
            {"command.member": '"email=nobody'},
        ),
        (
            {"type": "AddUnits", "member_id": uid(1), "units": 1, "store": "X"},
            {"command.store": "Must be DEF"},
        ),
        ({"type": "EraseMember", "member_id": uid(1)}, {"command.type": "There is no command"}),
        (
            {"type": "SignUpMember", "profile": {}, "command_id": uid(1)},
            {"command.command_id": "Not accepted: a code that is sent follows from it."},
        ),
        (
            {"type": "AddUnits", "member_id": uid(1), "units": 1, "command_id": "1"},
            {"command.command_id": "Mu"},
        ),
        ({"type": ["x"]}, {"command.type": "There is no command"}),
    ],
)
def test_what_a_schema_does_not_take_is_named_with_its_field(
    door: Door, command: dict[str, Any], said: dict[str, str]
) -> None:
    found = complaints(send(door, **command))

    assert found.keys() == said.keys()
    assert [found[path].startswith(text) for path, text in said.items()] == [True], found


def test_lines_are_checked_before_the_first_one_is_sent() -> None:
    text = b'\xef\xbb\xbf{"type": "RegisterMember", "profile": {}}\n\n{"type": "AddUnits", "unit": 1}\n[1]\n'

    with pytest.raises(Misconfigured) as refused:
        read_commands(text.removeprefix(b"\xef\xbb\xbf"), "f.jsonl", "DEFAULT")

    lines = str(refused.value).splitlines()
    assert lines[0] == "f.jsonl:3: command.unit: AddUnits has no such field; did you mean units?"
    assert lines[1].startswith("f.jsonl:4: command: Must be an object")
    assert lines[-1] == "Nothing was sent"


@pytest.mark.parametrize("text", [b"", b"{", b'{"type": 1}\n{', b"\xff", b"[" * 100_000, b"1e999999999999"])
def test_whatever_stands_in_a_file_is_a_sentence(text: bytes) -> None:
    with pytest.raises(Misconfigured, match="f"):
        read_commands(text, "f", "DEFAULT")


def test_each_command_is_told_in_order_with_exact_numbers_and_failures_counted(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    file = (
        '{"type": "RegisterMember", "profile": {"email": "zoe@example.com"}}\n'
        '{"type": "AddUnits", "member": "email=zoe@example.com", "units": 0.000001}\n'
        '{"type": "SpendUnits", "member": "email=zoe@example.com", "units": 5}\n'
    )
    commands = read_commands(file.encode(), "f", "DEFAULT")
    client = ApiClient("http://api", KEY, httpx.ASGITransport(door.app, raise_app_exceptions=False))

    failures = asyncio.run(send_all(client, "DEFAULT", commands, json=True))

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert commands[1]["units"] == Decimal("0.000001")
    assert [each["status"] for each in told] == ["accepted", "accepted", "refused"]
    assert told[2]["reason"].startswith("command.units: ")
    assert failures == 1


def test_a_file_is_checked_without_a_system(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text(json.dumps(REGISTER, indent=2))

    answer = CliRunner().invoke(app, ["send", str(file), "--check"])

    assert (answer.exit_code, answer.output) == (0, "1 commands are valid; nothing was sent\n")

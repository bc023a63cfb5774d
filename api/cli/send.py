"""`loyalty send`: commands from a file, checked, sent, and answered one by one."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.lines import say

if TYPE_CHECKING:
    from api.cli.api_client import ApiClient

REFUSED = 1
MAX_FILE_BYTES = 64 << 20


def run(
    file: Annotated[
        str, typer.Argument(help="File with one command as JSON, or one a line; -: read it here.")
    ],
    store: Annotated[str, typer.Option(help="Code of the store.")] = "DEFAULT",
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line: what came of each.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Check all of them, and send none.")] = False,
) -> None:
    """Send commands to the programme, and show what came of each.

    A command is JSON: `type` is a schema's name, such as AddUnits, and the other fields are the schema's.
    All are checked before the first one is sent. Each is sent once the one before is answered. The exit code
    is 1 if one was refused, or is not decided yet, and 2 if nothing was sent.
    """
    import asyncio

    from api.cli.api_client import open_client
    from api.cli.listen import require_store
    from streams.settings import load_settings

    commands = read_commands(_read(file), file, require_store(store))
    if check:
        say(f"{len(commands)} commands are valid; nothing was sent")
        return

    async def send() -> int:
        client = open_client(load_settings())
        try:
            return await send_all(client, store, commands, json=json)
        finally:
            await client.aclose()

    if asyncio.run(send()):
        raise typer.Exit(REFUSED)


def read_commands(raw: bytes, file: str, store: str) -> list[dict[str, Any]]:
    """The commands, each with an id of its own, so that sending one again changes nothing. Raises
    Misconfigured naming each line and field."""
    import uuid

    from api.problems import Invalid
    from api.services.json_commands import CODE_COMMANDS, read_draft
    from streams.errors import Misconfigured

    commands, complaints = [], list[str]()
    for number, tree in _parse(raw, file):
        try:
            draft = read_draft(store, tree)
        except Invalid as error:
            complaints += [f"{file}:{number}: {each.path}: {each.message}" for each in error.complaints]
            continue
        own = {} if draft.kind in CODE_COMMANDS else {"command_id": draft.command_id or str(uuid.uuid4())}
        commands.append({**tree, **own})
    if complaints:
        more = f"\nand {len(complaints) - 20} more" if len(complaints) > 20 else ""
        raise Misconfigured("\n".join(complaints[:20]) + f"{more}\nNothing was sent")
    if not commands:
        raise Misconfigured(f"{file}: there is no command in it")
    return commands


async def send_all(client: "ApiClient", store: str, commands: list[dict[str, Any]], *, json: bool) -> int:
    """Sends them in order. Returns how many were not accepted. Raises Retryable if the API is away."""
    from api.cli.api_client import RequestRefused
    from api.contract.json_body import write_json

    failures = 0
    for command in commands:
        try:
            answer = await client.call("POST", f"/api/{store}/command", {"command": command}, wait=60)
            outcome = dict(answer.body)
        except RequestRefused as refusal:
            outcome = {"commandId": command.get("command_id"), "status": "refused", "reason": str(refusal)}
        outcome = {"type": command["type"], **outcome}
        failures += outcome["status"] != "accepted"
        say(write_json(outcome) if json else _sentence(outcome), flush=True)
    return failures


def _sentence(outcome: dict[str, Any]) -> str:
    what = f"{outcome['type']} {outcome.get('commandId') or ''}".rstrip()
    match outcome["status"]:
        case "accepted":
            return f"{what} accepted, member {outcome.get('memberId')}"
        case "refused":
            return f"{what} refused: {outcome['reason']}"
        case _:
            return f"{what} written, and not decided yet: {outcome.get('statusUrl')}"


def _read(file: str) -> bytes:
    from streams.errors import Misconfigured

    try:
        if file == "-":
            raw = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
        else:
            with Path(file).open("rb") as opened:
                raw = opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise Misconfigured(f"{file}: cannot be read: {error.strerror}") from None
    if len(raw) > MAX_FILE_BYTES:
        raise Misconfigured(f"{file} has more than {MAX_FILE_BYTES:,} bytes: split it")
    return raw.removeprefix(b"\xef\xbb\xbf")


def _parse(raw: bytes, file: str) -> list[tuple[int, Any]]:
    """Each command with the number of its line. The whole may be one command over several lines."""
    import json

    from api.contract.json_body import read_json
    from streams.errors import Misconfigured

    try:
        return [(1, read_json(raw))]
    except json.JSONDecodeError as error:
        whole = error
    found = []
    lines = [(n, line) for n, line in enumerate(raw.splitlines(), 1) if line.strip()]
    for number, line in lines:
        try:
            found.append((number, read_json(line)))
        except json.JSONDecodeError as error:
            cause = whole if len(lines) == 1 or not found else error
            raise Misconfigured(f"{file}:{number}: is no JSON: {cause}") from None
    return found

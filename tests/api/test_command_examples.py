"""The examples that send a command from other languages, run against the API over HTTP."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from api.process.connection_limits import BoundedProtocol
from tests.api.conftest import KEY, Door
from tests.api.test_connections import serving

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
PATIENCE = 120
REGISTER = {"type": "RegisterMember", "profile": {"email": "eve@example.com"}}
LANGUAGES = {
    "python3": ["send_command.py"],
    "node": ["send_command.mjs"],
    "go": ["run", "send_command.go"],
    "java": ["SendCommand.java"],
}


async def run_example(door: Door, command: list[str], units: str, folder: Path) -> tuple[int, str]:
    """Exit code and output of an example that gives units to eve@example.com."""
    async with serving(door.app, BoundedProtocol) as port:
        process = await asyncio.create_subprocess_exec(
            *command,
            "DEFAULT",
            "eve@example.com",
            units,
            cwd=EXAMPLES,
            env=os.environ
            | {
                "LOYALTY_API_URL": f"http://127.0.0.1:{port}",
                "LOYALTY_API_KEY": KEY,
                "GOCACHE": str(folder),
                "GOFLAGS": "-mod=mod",
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(PATIENCE):
            output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


@pytest.mark.parametrize("runtime", LANGUAGES)
def test_an_example_gives_units_and_shows_a_refusal(door: Door, runtime: str, tmp_path: Path) -> None:
    found = shutil.which(runtime)
    if found is None:
        pytest.skip(f"{runtime} is not there: nothing runs this example here")
    command = [found, *LANGUAGES[runtime]]
    member = door.call("POST", "/api/DEFAULT/command", json={"command": REGISTER}).json()["memberId"]

    given = asyncio.run(run_example(door, command, "12.5", tmp_path))
    refused = asyncio.run(run_example(door, command, "-1", tmp_path))

    assert given[0] == 0, given[1]
    assert given[1].startswith("200 ")
    assert member in given[1]
    assert refused[0] == 1, refused[1]
    assert refused[1].startswith("400 ")
    assert "command.units" in refused[1]
    wallet = door.get(f"/api/DEFAULT/member/{member}/wallet")
    assert wallet["items"][0]["account"]["activeUnits"] == 12.5


def test_the_page_names_every_example() -> None:
    page = (EXAMPLES.parent / "writing-commands.md").read_text()

    assert {file.name for file in EXAMPLES.iterdir() if f"(examples/{file.name})" not in page} == set()

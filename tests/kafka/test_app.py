"""What keeps an app from starting. In a process of its own: Faust leaves its loop's sockets open."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import asyncio
from streams.errors import Misconfigured
from streams.runtime.app import App
from streams.runtime.worker import run

def check():
    raise Misconfigured("a key is missing")

async def main():
    app = App("tests")
    app.add_start_check(check)
    await run(app, ready=lambda: print("ready"))

try:
    asyncio.run(main())
except Misconfigured as error:
    print(f"ended: {error}")
"""


def test_a_check_that_fails_at_the_start_ends_the_process_with_its_own_words() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout == "ended: a key is missing\n"


STARTS_AND_ENDS = """
import asyncio, os, signal
from streams.runtime.app import App
from streams.runtime.worker import run

def ready():
    print("ready")
    os.kill(os.getpid(), signal.SIGTERM)

async def main():
    await run(App("tests"), ready)

asyncio.run(main())
"""


def test_nothing_is_made_in_the_working_directory_which_need_not_be_writable(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTS_AND_ENDS],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=tmp_path,
    )

    assert done.stdout == "ready\n"
    assert list(tmp_path.iterdir()) == []

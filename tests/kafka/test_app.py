"""What keeps an app from starting. In a process of its own: Faust leaves its loop's sockets open."""

import subprocess
import sys

PROGRAM = """
import asyncio
from streams.errors import Misconfigured
from streams.kafka.agents import App
from streams.kafka.worker import run

def check():
    raise Misconfigured("a key is missing")

async def main():
    app = App("tests")
    app.at_its_start(check)
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

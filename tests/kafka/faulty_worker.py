"""A worker with a bug, run by tests as a process: whatever belongs to the store BROKEN raises.

With `--supervise` it is run as a child, and started again when it ends.
"""

import asyncio
import sys
from collections import UserDict
from datetime import timedelta

from api.cli.processes import process, set_up_logging
from api.cli.supervisor import Supervisor
from streams.domain.store import StoreSettings
from streams.runtime.app import App
from streams.runtime.instance import hold_instance
from streams.runtime.worker import run
from streams.stages.context import WallClock
from streams.stages.loyalty import LoyaltyStage
from streams.topics import COMMANDS
from tests.samples import SETTINGS

BROKEN = "BROKEN"


class Stores(UserDict[str, StoreSettings]):
    def __getitem__(self, code: str) -> StoreSettings:
        if code == BROKEN:
            raise ZeroDivisionError("the bug")
        return SETTINGS


def work() -> None:
    async def serve() -> None:
        with hold_instance(settings, "loyalty") as who:
            app = App("faulty worker")
            app.feed(
                connection, who, COMMANDS, LoyaltyStage(Stores(), WallClock(), timedelta(hours=24)), settings
            )
            await run(app, ready=lambda: print("worker is ready", flush=True))  # noqa: T201 - its one word

    with process("worker") as (settings, connection):
        asyncio.run(serve())


async def supervise() -> int:
    return await Supervisor("worker", (sys.executable, "-m", __spec__.name)).run()


if __name__ == "__main__":
    if sys.argv[1:] == ["--supervise"]:
        set_up_logging("supervisor")
        sys.exit(asyncio.run(supervise()))
    work()

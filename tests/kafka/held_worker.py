"""A worker whose restore of one partition stops before its end, until it gets a line on standard input.

Run by tests as a process, with the partition's number. Says when it is held, and each partition it handles.
"""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from api.cli.processes import process
from streams.runtime.app import App
from streams.runtime.instance import hold_instance
from streams.runtime.restore_progress import ReportProgress, RestoreProgress
from streams.runtime.worker import run
from streams.stages.context import Record, StageContext, WallClock
from streams.stages.loyalty import LoyaltyStage
from streams.topics import COMMANDS
from tests.samples import SETTINGS


def say(what: str) -> None:
    print(what, flush=True)  # noqa: T201 - it is what the test reads


class Held(RestoreProgress):
    """Asks for leave once something of the partition is restored."""

    held = -1

    @contextmanager
    def shown(self, source: str, partition: int) -> Iterator[ReportProgress]:  # noqa: ARG002
        def report(done: int, total: int) -> None:
            if partition == self.held and done:
                say(f"held with {done} of {total}")
                sys.stdin.readline()

        yield report


class Noting(LoyaltyStage):
    def play(self, turn: StageContext, records: Sequence[Record], budget: int) -> int:
        say(f"handles {turn.partition}")
        return super().play(turn, records, budget)


def main() -> None:
    async def serve() -> None:
        with hold_instance(settings, "loyalty") as who:
            app = App("held worker")
            app.restores = Held(app.metrics)
            app.restores.held = int(sys.argv[1])
            stage = Noting({SETTINGS.store: SETTINGS}, WallClock(), timedelta(hours=24))
            app.feed(connection, who, COMMANDS, stage, settings)
            await run(app, ready=lambda: say("worker is ready"))

    with process("worker") as (settings, connection):
        asyncio.run(serve())


if __name__ == "__main__":
    main()

"""`python -m tests.bench.program`: one measured program, alone in its process, on one core.

It is given a `Job` as JSON, and says its `Run` as JSON.
"""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, assert_never

import msgspec

from streams.kafka.clients import Connection
from streams.runtime.app import App
from streams.runtime.feed_source import Instance
from streams.runtime.restore import restore_tables
from streams.runtime.worker import run
from streams.settings import Settings
from streams.stages.context import Stage, WallClock
from streams.stages.loyalty import LoyaltyStage
from streams.tables.tables import open_tables
from streams.topics import CHANGELOGS, COMMANDS, WEBHOOK_EVENTS, Topic
from tests.bench import floor, hand_written, webhooks
from tests.bench.due import TOLD
from tests.bench.figures import Run
from tests.bench.replayed import replayed
from tests.bench.stages import BareStage, Counted, Timed, count_facts, count_records
from tests.samples import SETTINGS, STORE

Role = Literal[
    "copy",
    "hand",
    "bare",
    "loyalty",
    "fire",
    "restore",
    "read",
    "hop",
    "http",
    "post",
    "sink",
    "log",
    "replay",
]
COPIES = Topic("bench-copies", "store/member", (), "bench")
HOPS = tuple(Topic(f"bench-hop-{number}", "store/member", (), "bench") for number in (1, 2, 3))
CORE = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
"""The core that measured programs have; the broker gets the others, where there are any."""


@dataclass(frozen=True, slots=True)
class Job:
    role: Role
    servers: str
    prefix: str
    folder: str
    batch: int
    partitions: int
    skip: int = 0
    total: int = 0
    hop: int = 0
    """Of several programs of the same role, which."""
    url: str = ""

    @property
    def on_one_core(self) -> bool:
        """Where a rate is measured; of two sinks the second has the other cores."""
        return self.role not in ("hop", "post", "sink") or (self.total > 0 and self.hop == 0)

    @property
    def connection(self) -> Connection:
        return Connection(self.servers, self.prefix)


def main() -> None:
    job = msgspec.json.decode(sys.argv[1], type=Job)
    # Rates are those of one core; of two sinks the second has the others.
    if (
        CORE is not None
        and job.role not in ("hop", "post")
        and (job.role != "sink" or (job.total and not job.hop))
    ):
        os.sched_setaffinity(0, {CORE})
    result = _measured(job)
    if result is not None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        sys.stdout.buffer.write(msgspec.json.encode(replace(result, memory=peak / 1e6)) + b"\n")


def _measured(job: Job) -> Run | None:  # noqa: PLR0911, PLR0912 - one line a role
    match job.role:
        case "copy":
            return _copied(job)
        case "hand":
            return _played_by_hand(job)
        case "bare":
            return _played(job, BareStage())
        case "loyalty":
            stores = {STORE: SETTINGS}
            return _played(job, LoyaltyStage(stores, WallClock(), timedelta(hours=24)))
        case "fire":
            return _played(job, LoyaltyStage({STORE: TOLD}, WallClock(), timedelta(hours=24)), count_facts)
        case "restore":
            return _restored(job)
        case "read":
            topics = [CHANGELOGS[table] for table in _tables()]
            return floor.read(job.connection, topics, job.partitions)
        case "hop":
            _hop(job)
            return None
        case "http":
            return asyncio.run(webhooks.http(job.url, job.total))
        case "post":
            asyncio.run(webhooks.post(job.connection, job.url, _told_to_end(), _ready))
            return None
        case "sink":
            # The second of two gets what the first gives up.
            partitions = 1 if job.hop else job.partitions
            return asyncio.run(webhooks.sink(_settings(job), job.connection, partitions, _ready))
        case "log":
            return floor.read(job.connection, [WEBHOOK_EVENTS], job.partitions)
        case "replay":
            return replayed(job.connection, job.hop, job.total)
        case _:
            assert_never(job.role)


def _copied(job: Job) -> Run | None:
    watch = floor.Stopwatch(job.skip, job.total)
    floor.copy(job.connection, COMMANDS, COPIES, job.batch, watch.count_and_look)
    return watch.result


def _played_by_hand(job: Job) -> Run | None:
    watch = floor.Stopwatch(job.skip, job.total)
    hand_written.play(job.connection, Path(job.folder, job.role), job.batch, watch.count_and_look)
    return watch.result


def _played(job: Job, stage: Stage, counted: Counted = count_records) -> Run | None:
    watch = floor.Stopwatch(job.skip, job.total)
    asyncio.run(_play(job, Timed(stage, watch, counted, lambda: signal.raise_signal(signal.SIGTERM))))
    return watch.result


async def _play(job: Job, stage: Stage) -> None:
    app = App(f"bench {job.role}")
    who = Instance(f"{job.prefix}{job.role}", "bench", Path(job.folder, job.role), 15, 30)
    app.feed(job.connection, who, COMMANDS, stage, Settings(batch_records=job.batch))
    await run(app, lambda: None)


def _tables() -> list[str]:
    return sorted({kind.table for kind in LoyaltyStage.kinds})


def _restored(job: Job) -> Run:
    """Every partition from nothing; the due index is made too, for without it nothing is played."""
    watch = floor.Stopwatch(0, 1)
    watch.look()
    for number in range(job.partitions):
        tables = open_tables(Path(job.folder, "restored", str(number)), LoyaltyStage.kinds)
        restore_tables(job.connection, number, tables, lambda: False, lambda _done, _total: None)
        tables.close()
    watch.count(1)
    watch.look()
    assert watch.result is not None
    return watch.result


def _hop(job: Job) -> None:
    """Copies from hop to hop until it is told to end."""
    over = _told_to_end()
    source = COMMANDS if job.hop == 0 else HOPS[job.hop - 1]
    floor.copy(job.connection, source, HOPS[job.hop], job.batch, lambda _: over(), ready=_ready)


def _told_to_end() -> Callable[[], bool]:
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    return lambda: bool(told)


def _ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def _settings(job: Job) -> Settings:
    return Settings(
        bootstrap_servers=job.servers,
        topic_prefix=job.prefix,
        home=Path(job.folder),
        instance=f"bench-{job.hop}",
        session_timeout=6,
        allow_targets=(ip_network("127.0.0.0/8"),),
    )


if __name__ == "__main__":
    main()

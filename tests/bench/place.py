"""Where it is measured: a broker of its own on this machine, and programs beside it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from streams.kafka.clients import Connection
from streams.kafka.topic_admin import create_topics
from streams.local_broker import LocalBroker
from streams.settings import Settings
from streams.topics import TOPICS
from tests.bench.figures import Run
from tests.bench.program import COPIES, CORE, HOPS, Job, Role

MEASURED_WITHIN = 600.0
STARTS_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """Topics of one measurement, with a prefix of its own, and a folder for what stands on disk."""

    settings: Settings
    connection: Connection

    def job(self, role: Role, skip: int = 0, total: int = 0, hop: int = 0, url: str = "") -> Job:
        return Job(
            role,
            self.connection.bootstrap_servers,
            self.connection.prefix,
            str(self.settings.home),
            self.settings.batch_records,
            self.settings.partitions,
            skip,
            total,
            hop,
            url,
        )


@contextmanager
def broker(folder: Path, libraries: Path, *, elsewhere: bool) -> Iterator[str]:
    """A new broker's address; `elsewhere`: it stays off the core of the measured programs."""
    everywhere = os.sched_getaffinity(0) if CORE is not None else set()
    rest = (everywhere - {CORE} if elsewhere else everywhere) or everywhere
    _confine(rest)
    with LocalBroker(folder, libraries=libraries) as started:
        _confine(everywhere)
        yield started.bootstrap_servers


def _confine(cores: set[int]) -> None:
    if cores:
        os.sched_setaffinity(0, cores)


def place(folder: Path, servers: str, name: str) -> Place:
    home = folder / name
    home.mkdir(parents=True)
    settings = Settings(bootstrap_servers=servers, topic_prefix=f"{name}.", home=home)
    connection = Connection(servers, settings.topic_prefix)
    create_topics(connection, settings, (*TOPICS, COPIES, *HOPS))
    return Place(settings, connection)


def measured(job: Job) -> Run:
    """What the program says at its end."""
    done = subprocess.run(_command(job), capture_output=True, text=True, timeout=MEASURED_WITHIN, check=False)
    if done.returncode:
        raise RuntimeError(f"{job.role} ended with {done.returncode}: {done.stderr[-2_000:]}")
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Run)


@dataclass(slots=True)
class Working:
    """A program at work. `run` is what it has said at its end, if it says anything."""

    run: Run | None = None


@contextmanager
def working(job: Job) -> Iterator[Working]:
    """The program, from when it has its partitions; ended by SIGTERM."""
    program = Working()
    with subprocess.Popen(_command(job), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n", f"{job.role} {job.hop} did not start"
            yield program
        finally:
            process.terminate()
        said = process.stdout.read().splitlines()
        program.run = msgspec.json.decode(said[-1], type=Run) if said else None


def _command(job: Job) -> list[str]:
    return [sys.executable, "-m", "tests.bench.program", msgspec.json.encode(job).decode()]

"""What happens in a run, drawn from its seed before it begins: records, blows between them, faults at calls.

One seed in twelve runs the whole pipeline, every second of them with the sink; the others run the identity
stage alone, which is a tenth of the work and meets the same faults in the feed, its partitions, their
restores and transactions.
"""

from dataclasses import dataclass
from random import Random
from typing import Literal

from streams.topics import COMMANDS, DELIVERIES, IDENTITY_REQUESTS, WEBHOOK_EVENTS, Topic
from tests.crash.commands import Sent, commands, end_of_history
from tests.simulated.calls import Rates
from tests.simulated.requests import requests

PARTITIONS, BROKERS, MEMBERS = 2, 3, 12
PASSES_AFTER = 5.0
"""Seconds for which calls go wrong after the last blow."""
Kind = Literal[
    "kill",
    "wipe",
    "power",
    "restart",
    "freeze",
    "broker-kill",
    "broker-freeze",
    "broker-hole",
    "move",
    "compact",
]
KINDS: tuple[Kind, ...] = (
    "kill",
    "kill",
    "wipe",
    "power",
    "restart",
    "freeze",
    "broker-kill",
    "broker-freeze",
    "broker-hole",
    "move",
    "compact",
)


@dataclass(frozen=True, slots=True)
class Blow:
    """`power`: killed, and the newest writes to its disk are gone. `seconds`: for how long a process is
    frozen or a broker away."""

    kind: Kind
    victim: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """`records` are appended over `seconds`, then comes the blow."""

    records: tuple[Sent, ...]
    seconds: float
    blow: Blow


IDENTITY = {"identity": IDENTITY_REQUESTS}
PIPELINE = {"loyalty": COMMANDS, **IDENTITY, "fan-out": WEBHOOK_EVENTS}
WITH_SINK = {**PIPELINE, "sink": DELIVERIES}


@dataclass(frozen=True, slots=True)
class Plan:
    """`feeds` are the stages that run, each with the topic that it reads; records go to `source`."""

    seed: int
    feeds: dict[str, Topic]
    source: Topic
    workers: int
    batch: int
    standby: bool
    rates: Rates
    steps: tuple[Step, ...]
    last: tuple[Sent, ...]


def plan(seed: int) -> Plan:
    """The same seed makes the same plan."""
    rng = Random(f"plan {seed}")  # noqa: S311 - to be drawn again alike
    whole = _feeds(seed) is not IDENTITY
    count, blows = rng.randint(15, 35), rng.randint(2, 6)
    records = list(commands(rng, count, MEMBERS) if whole else requests(rng, count))
    size = -(-count // blows)
    workers = rng.choice((1, 2, 2, 3))
    steps = [
        Step(tuple(records[n * size : (n + 1) * size]), rng.uniform(0.05, 3.0), _blow(rng, workers))
        for n in range(blows)
    ]
    return Plan(
        seed,
        _feeds(seed),
        COMMANDS if whole else IDENTITY_REQUESTS,
        workers,
        batch=rng.choice((3, 20, 200)),
        standby=rng.random() < 0.3,
        rates=_rates(rng),
        steps=tuple(steps),
        last=tuple(end_of_history(rng, PARTITIONS)) if whole else (),
    )


def _feeds(seed: int) -> dict[str, Topic]:
    if seed % 12:
        return IDENTITY
    return PIPELINE if seed % 24 else WITH_SINK


def _blow(rng: Random, workers: int) -> Blow:
    kind = rng.choice(KINDS)
    of_brokers = kind.startswith("broker")
    victim = rng.randrange(BROKERS if of_brokers else workers)
    return Blow(kind, victim, rng.uniform(0.5, 15.0))


def _rates(rng: Random) -> Rates:
    return Rates(
        passing=rng.choice((0.0, 0.01, 0.05)),
        lasting=rng.choice((0.0, 0.0, 0.003)),
        late=rng.choice((0.0, 0.02, 0.1)),
        lost=rng.choice((0.0, 0.01)),
        stuck=rng.choice((0.0, 0.0, 0.02)),
        unknown=rng.choice((0.0, 0.05, 0.3)),
    )

"""What happens in a run, drawn from its seed before it begins: commands, blows between them, faults at calls."""

from dataclasses import dataclass
from random import Random
from typing import Literal

from tests.crash.commands import Sent, commands, end_of_history
from tests.simulated.calls import Rates

PARTITIONS, BROKERS, MEMBERS = 2, 3, 12
PASSES_AFTER = 5.0
"""Seconds for which calls go wrong after the last blow."""
Kind = Literal[
    "kill", "wipe", "power", "restart", "freeze", "broker-kill", "broker-freeze", "broker-hole", "move", "compact"
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
    """`power`: killed, and the newest writes to its disk are gone. `seconds`: for how long a process is frozen
    or a broker away."""

    kind: Kind
    victim: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """`records` are appended over `seconds`, then comes the blow."""

    records: tuple[Sent, ...]
    seconds: float
    blow: Blow


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    workers: int
    batch: int
    standby: bool
    rates: Rates
    steps: tuple[Step, ...]
    last: tuple[Sent, ...]


def plan(seed: int) -> Plan:
    """The same seed makes the same plan."""
    rng = Random(f"plan {seed}")  # noqa: S311 - to be drawn again alike
    count, blows = rng.randint(20, 50), rng.randint(2, 6)
    records = list(commands(rng, count, MEMBERS))
    size = -(-count // blows)
    workers = rng.choice((1, 2, 2, 3))
    steps = [
        Step(tuple(records[n * size : (n + 1) * size]), rng.uniform(0.05, 4.0), _blow(rng, workers))
        for n in range(blows)
    ]
    last = tuple(end_of_history(rng, PARTITIONS))
    return Plan(seed, workers, rng.choice((3, 20, 200)), rng.random() < 0.3, _rates(rng), tuple(steps), last)


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
        stuck=rng.choice((0.0, 0.0, 0.01)),
        unknown=rng.choice((0.0, 0.02)),
    )

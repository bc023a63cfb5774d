"""What happens in a run, drawn from its seed before it begins: slices of commands, and blows between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from random import Random
from typing import Literal

from tests.crash.commands import Sent, commands, end_of_history

PARTITIONS = 4
SLICE, FEWEST = 90, 1000
WORKERS, GUEST = ("worker-1", "worker-2"), "worker-3"
SINKS = ("sink-1", "sink-2")
BROKER = "broker"

Kind = Literal["kill", "wipe", "restart", "freeze", "thaw", "join", "leave", "fill", "cut"]
KILLS: tuple[Kind, ...] = ("kill", "wipe")

TO_ONE: tuple[Kind, ...] = ("kill", "restart")
TO_THREE: tuple[Kind, ...] = ("kill", "cut", "freeze", "restart")
# Seconds for which one of three is away: some longer and some shorter than the others wait for it.
AWAY = (1.0, 8.0)
# What each round deals, beside a blow to the broker, a join or leave, a freeze and an orderly restart.
_ROUND: tuple[tuple[Kind, str, int], ...] = (
    ("kill", "worker", 5),
    ("wipe", "worker", 2),
    ("kill", "sink", 2),
    ("wipe", "sink", 1),
)


@dataclass(frozen=True, slots=True)
class Blow:
    """`wipe`: killed, and its disk is empty when it comes back. `restart`: asked to end, with SIGTERM.
    `fill`: its disk is full, until it has died of that. `cut`: no packet reaches it. A broker is away, frozen
    or cut off for `seconds`, beside its start."""

    kind: Kind
    victim: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Step:
    """`records` are appended over `seconds`, then comes the blow."""

    records: tuple[Sent, ...]
    seconds: float
    blow: Blow


@dataclass(frozen=True, slots=True)
class Plan:
    seed: int
    steps: tuple[Step, ...]
    last: tuple[Sent, ...]
    """Appended when the blows are over: the end of history."""
    brokers: int = 1

    @property
    def records(self) -> list[Sent]:
        return [sent for step in self.steps for sent in step.records] + list(self.last)


def plan(seed: int, kills: int, seconds: float = 2.0, brokers: int = 1) -> Plan:
    """The same arguments make the same plan: at least `kills` kills, `seconds` apart on average."""
    rng = Random(seed)  # noqa: S311 - to be drawn again alike
    return _plan(seed, rng, list(_Dealer(rng, brokers).blows(kills)), seconds, brokers)


def chosen(seed: int, blows: list[Blow], seconds: float = 2.0, brokers: int = 1) -> Plan:
    """These blows, `seconds` apart on average."""
    return _plan(seed, Random(seed), blows, seconds, brokers)  # noqa: S311 - to be drawn again alike


def _plan(seed: int, rng: Random, blows: list[Blow], seconds: float, brokers: int) -> Plan:
    # Too few over the whole history, and repeats would come when their first is forgotten.
    size = max(SLICE, -(-FEWEST // len(blows)))
    slices = _slices(list(commands(rng, size * len(blows))), size)
    steps = [
        Step(records, rng.uniform(0.1, 1.9) * seconds, blow)
        for records, blow in zip(slices, blows, strict=True)
    ]
    return Plan(seed, tuple(steps), tuple(end_of_history(rng, PARTITIONS)), brokers)


class _Dealer:
    """Deals blows to those who are there to take them."""

    def __init__(self, rng: Random, brokers: int) -> None:
        self._rng = rng
        self._brokers = brokers
        self._to_brokers = cycle(TO_ONE if brokers == 1 else TO_THREE)
        self._up = {*WORKERS, *SINKS}
        self._frozen: str | None = None

    def blows(self, kills: int) -> Iterator[Blow]:
        dealt = 0
        while dealt < kills:
            # Every round has everything; what comes when is drawn.
            for kind, role in self._round():
                blow = self._aimed(kind, role)
                dealt += blow.kind in KILLS
                yield blow

    def _round(self) -> Iterator[tuple[Kind, str]]:
        kills: list[tuple[Kind, str]] = [(kind, role) for kind, role, count in _ROUND for _ in range(count)]
        kills.append((next(self._to_brokers), BROKER))
        self._rng.shuffle(kills)
        guest: Kind = "leave" if GUEST in self._up else "join"
        frozen = self._rng.choice(("worker", "worker", "sink"))
        between: list[list[tuple[Kind, str]]] = [[] for _ in kills]
        between[2].append((guest, "worker"))
        between[4].append(("freeze", frozen))
        between[7].append(("thaw", frozen))
        between[8].append(("restart", self._rng.choice(("worker", "sink"))))
        for before, kill in zip(between, kills, strict=True):
            yield from before
            yield kill

    def _aimed(self, kind: Kind, role: str) -> Blow:
        if kind in ("join", "leave"):
            (self._up.add if kind == "join" else self._up.discard)(GUEST)
            return Blow(kind, GUEST)
        if kind == "thaw" and self._frozen:
            victim, self._frozen = self._frozen, None
            return Blow(kind, victim)
        if role == BROKER and self._brokers > 1:
            victim = f"{BROKER}-{self._rng.randint(1, self._brokers)}"
            return Blow(kind, victim, self._rng.uniform(*AWAY))
        there = sorted(name for name in self._up if name.startswith(role) and name != self._frozen)
        victim = BROKER if role == BROKER else self._rng.choice(there)
        if kind == "freeze":
            self._frozen = victim
        return Blow(kind, victim)


def _slices(records: list[Sent], size: int) -> Iterator[tuple[Sent, ...]]:
    for start in range(0, len(records), size):
        yield tuple(records[start : start + size])

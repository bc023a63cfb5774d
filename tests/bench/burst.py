"""Very many lots due at once: how fast the stage tells of them, and how long commands wait meanwhile."""

from collections.abc import Callable, Iterator
from pathlib import Path

from streams.codec.avro import encode
from streams.topics import EVENTS
from streams.topics import SETTINGS as STORES
from tests.bench import latency
from tests.bench.due import LOTS_EACH, TOLD, Crowd, fill
from tests.bench.figures import PLAIN_LOOP, Figure, Run, rate
from tests.bench.place import Place, measured
from tests.crash.world import put
from tests.kafka.processes import running
from tests.samples import STORE

INSTANCE = "bench"


def telling(place: Place, due: int, floor: Run, say: Callable[[str], None]) -> Iterator[Figure]:
    """`due` members have ten lots each to be told of; `floor` is the plain loop of the same run."""
    # As many in each partition: what is left over would be waited for in vain.
    due -= due % place.settings.partitions
    say(f"tell of {due * LOTS_EACH:,} lots")
    job = place.job("fire", total=due * LOTS_EACH)
    _fill(Path(job.folder, job.role), place, due)
    told = measured(job)
    yield rate("lots told of", "lots/s", told, floor, PLAIN_LOOP, aim=20_000)
    yield Figure("memory while telling", told.memory, "MB", floor.memory, PLAIN_LOOP, 500.0)


def burst(place: Place, calm: Place, due: int, seconds: int, say: Callable[[str], None]) -> Figure:
    """From a command's append to its fact's commit, while `due` members' lots are told of."""
    say("commands while nothing is due")
    _, least = latency.percentiles(*_commands(calm, seconds))
    say(f"commands while {due * LOTS_EACH:,} lots are due")
    state = place.settings.home / "state" / f"{place.settings.topic_prefix}loyalty" / INSTANCE
    _fill(state, place, due)
    _, most = latency.percentiles(*_commands(place, seconds))
    return Figure("command in a burst, p99", most, "ms", least, "without one", 1_000.0)


def _fill(folder: Path, place: Place, due: int) -> None:
    each = due // place.settings.partitions
    for number in range(place.settings.partitions):
        fill(folder / str(number), Crowd(each, due=each), seed=number)


def _commands(place: Place, seconds: int) -> tuple[latency.Times, latency.Times]:
    put(place.connection, STORES, {STORE: encode(TOLD)})
    with running(place.settings, "worker", LOYALTY_INSTANCE=INSTANCE):
        latency.register(place)
        with latency.listening(EVENTS, place) as told:
            sent = latency.send(place, seconds)
            return sent, latency.awaited(lambda: _since(told, sent), sent)


def _since(told: latency.Times, sent: latency.Times) -> latency.Times:
    """What was told of the senders, without their registration, which came first."""
    return {member: told[member][1:] for member in sent}

"""The running state beside the one that the facts make: both on disk, partition by partition, and only read.

Nothing need stand still. Facts are read up to where they ended before the running state was; whoever has had
more facts since is passed over, and said to be.
"""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from itertools import chain
from pathlib import Path

from streams.domain.store import StoreSettings
from streams.kafka.batch import record_of
from streams.kafka.clients import Connection
from streams.kafka.progress import Report, Tell
from streams.kafka.restore import restore
from streams.kafka.stretch import Stretch, slices, whole
from streams.kafka.topics import EVENTS
from streams.stages.loyalty import LoyaltyStage
from streams.stages.rebuild import KINDS, Comparison, rebuild
from streams.tables.tables import Tables, on_disk

Stores = Callable[[str], StoreSettings | None]


def compared(connection: Connection, stores: Stores, folder: Path, tell: Tell) -> Comparison:
    """Raises Retryable where the cluster does not answer."""
    found = Comparison()
    folder.mkdir(parents=True, exist_ok=True)
    numbers = sorted(whole(connection, EVENTS).bounds)
    for number in numbers:
        say = partial(_say, tell, f"partition {number + 1} of {len(numbers)}")
        with tempfile.TemporaryDirectory(prefix="rebuild-", dir=folder) as place, ExitStack() as stack:
            running = stack.enter_context(closing(on_disk(Path(place, "running"), LoyaltyStage.kinds)))
            rebuilt = stack.enter_context(closing(on_disk(Path(place, "rebuilt"), KINDS)))
            facts = _facts(connection, number)
            restore(connection, number, running, lambda: False, partial(say, "reading the state"))
            _rebuild(connection, facts, rebuilt, stores, partial(say, "rebuilding it from the facts"))
            found.compare(rebuilt, running, _moved(connection, number, facts.bounds[number][1]))
    return found


def _say(tell: Tell, place: str, what: str, done: int, total: int) -> None:
    tell(f"{place}: {what}", done, total)


def _rebuild(connection: Connection, facts: Stretch, into: Tables, stores: Stores, report: Report) -> None:
    done = 0
    for messages in slices(connection, facts):
        rebuild(into, (record_of(message, EVENTS.name) for message in messages), stores)
        into.commit(list(into.changelog()), {})
        done += len(messages)
        report(done, facts.size)


def _facts(connection: Connection, number: int, start: int | None = None) -> Stretch:
    low, end = whole(connection, EVENTS, number).bounds[number]
    return Stretch(EVENTS, {number: (low if start is None else start, end)})


def _moved(connection: Connection, number: int, start: int) -> frozenset[str]:
    """Of whom there have been facts since."""
    later = chain.from_iterable(slices(connection, _facts(connection, number, start)))
    return frozenset((message.key() or b"").decode() for message in later)

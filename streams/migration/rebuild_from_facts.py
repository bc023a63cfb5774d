"""The running state beside the one that the facts make: both on disk, partition by partition, and only read.

Nothing need stand still. Facts are read up to where they ended before the running state was; whoever has had
more facts since is passed over, and said to be.
"""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from functools import partial
from itertools import chain
from pathlib import Path

from streams.domain.store import StoreSettings
from streams.errors import Misconfigured
from streams.kafka.clients import Connection
from streams.kafka.log_reader import BATCH_RECORDS, OffsetRange, decided_range, read_batches
from streams.kafka.records import record_of
from streams.migration.compare import COMPARED_KINDS, Comparison
from streams.runtime.restore import restore_tables
from streams.runtime.restore_progress import ReportProgress, TellProgress
from streams.stages.loyalty import LoyaltyStage
from streams.stages.rebuild import data_key_lookup, rebuild
from streams.stages.state_schema import STATE_SCHEMA, StateSchema
from streams.tables.store import Write
from streams.tables.tables import Tables, UnindexedTables, open_tables
from streams.topics import EVENTS

SettingsLookup = Callable[[str], StoreSettings | None]
SayProgress = Callable[[str, int, int], None]
READS_FACTS, READS_STATE = "rebuilding it from the facts", "reading the state"


def compare_with_facts(
    connection: Connection, stores: SettingsLookup, folder: Path, tell: TellProgress
) -> Comparison:
    """Raises Retryable where the cluster does not answer."""
    found = Comparison()
    folder.mkdir(parents=True, exist_ok=True)
    numbers = sorted(decided_range(connection, EVENTS).bounds)
    for number in numbers:
        say = progress_of_partition(tell, number, len(numbers))
        with tempfile.TemporaryDirectory(prefix="rebuild-", dir=folder) as place, ExitStack() as stack:
            running = stack.enter_context(open_state_tables(Path(place, "running")))
            rebuilt = stack.enter_context(open_fact_tables(Path(place, "rebuilt")))
            keys = DataKeys(connection, number, running, partial(say, READS_STATE))
            end = take_facts(connection, number, rebuilt, stores, keys, report=partial(say, READS_FACTS))
            keys.bring_up()
            found.compare(rebuilt, running, owners_with_later_facts(connection, number, end))
    return found


def progress_of_partition(tell: TellProgress, number: int, count: int) -> SayProgress:
    """Tells of one partition among so many."""
    return lambda what, done, total: tell(f"partition {number + 1} of {count}: {what}", done, total)


def open_state_tables(folder: Path) -> closing[Tables]:
    """The loyalty stage's, to be read through."""
    return closing(open_tables(folder, LoyaltyStage.kinds, UnindexedTables))


def open_fact_tables(folder: Path) -> closing[Tables]:
    """Those of the loyalty stage's that follow from facts."""
    return closing(open_tables(folder, COMPARED_KINDS, UnindexedTables))


def bring_up(connection: Connection, number: int, tables: Tables, report: ReportProgress) -> None:
    restore_tables(connection, number, tables, lambda: False, report)


class DataKeys:
    """The data keys of a partition's owners, as the running state has them; `running` is brought up at once,
    whatever it held. One that is not there is looked for once more in all that was committed by then: a fact
    and its key are, together."""

    def __init__(self, connection: Connection, number: int, running: Tables, report: ReportProgress) -> None:
        self._running = running
        self._look = data_key_lookup(running)
        self._bring_up = partial(bring_up, connection, number, running, report)
        # A key from before may be that of somebody who was erased since: nothing is opened with it.
        self.bring_up()

    def __call__(self, owner: str) -> bytes | None:
        found = self._look(owner)
        if found is None and self._late:
            self.bring_up()
            found = self._look(owner)
        return found

    def bring_up(self) -> None:
        self.forget()
        self._bring_up()
        self._late = False

    def forget(self) -> None:
        """Later facts may still arrive. Also drops the entries that were looked up, which would fill the
        memory."""
        self._running.abort()
        self._late = True


def take_facts(
    connection: Connection,
    number: int,
    into: Tables,
    stores: SettingsLookup,
    keys: DataKeys,
    *,
    report: ReportProgress,
    publish: Callable[[Sequence[Write]], object] = len,
    layout: StateSchema = STATE_SCHEMA,
    size: int = BATCH_RECORDS,
    contradicted: Callable[[list[str]], object] = len,
) -> int:
    """Takes the facts that the tables have not, `size` at a time; returns where they end. `publish` is given
    what they changed before the tables have it, `contradicted` which of them contradict others. Raises
    Retryable."""
    facts = fact_range(connection, number, into.checkpoint(EVENTS.name))
    start, end = facts.bounds[number]
    if start > end:
        raise Misconfigured(f"{connection.topic(EVENTS)} is another topic than it was: build --anew")
    done = 0
    for messages in read_batches(connection, facts, size):
        keys.forget()
        records = (record_of(message, EVENTS.name) for message in messages)
        contradicted(rebuild(into, records, stores, keys, layout))
        changes = list(into.changelog())
        publish(changes)
        into.commit(changes, {EVENTS.name: (messages[-1].offset() or 0) + 1})
        done += len(messages)
        report(done, facts.size)
    return end


def fact_range(connection: Connection, number: int, start: int) -> OffsetRange:
    """The range of all facts from `start` on, those of open transactions included."""
    low, end = decided_range(connection, EVENTS, number).bounds[number]
    return OffsetRange(EVENTS, {number: (max(low, start), end)})


def owners_with_later_facts(connection: Connection, number: int, start: int) -> frozenset[str]:
    """The owners of facts from offset `start` on."""
    later = chain.from_iterable(read_batches(connection, fact_range(connection, number, start)))
    return frozenset((message.key() or b"").decode() for message in later)

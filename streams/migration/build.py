"""The next generation of the state, made beside the running one: from the facts, into changelogs of its own.

What is compared is what a worker would restore: the tables of the next generation are read back from its
changelogs. Facts are taken into other tables, on disk, which say how far they have come: killed, it goes on
from there, and writes what it may have written already once more.
"""

import asyncio
import time
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path

from streams.kafka.clients import Connection
from streams.kafka.end_offsets import EndOffsets
from streams.kafka.log_reader import BATCH_RECORDS, decided_range
from streams.kafka.offsets import Place
from streams.kafka.topic_admin import create_topics
from streams.migration.carry_over import carry_over
from streams.migration.changelog_writer import ChangelogWriter
from streams.migration.compare import Comparison
from streams.migration.rebuild_from_facts import (
    READS_FACTS,
    READS_STATE,
    DataKeys,
    SayProgress,
    SettingsLookup,
    bring_up,
    open_fact_tables,
    open_state_tables,
    owners_with_later_facts,
    progress_of_partition,
    take_facts,
)
from streams.runtime.restore_progress import ReportProgress, TellProgress
from streams.settings import Settings
from streams.stages.state_schema import STATE_SCHEMA, StateSchema
from streams.state_version import Generation
from streams.tables.tables import Tables
from streams.topics import CHANGELOGS, COMMANDS, EVENTS, VERSIONED_TABLES


class StateBuild:
    """`connection` is of the generation that runs, `publisher` writes the one that is made. `rate`: most
    facts a second; 0: as fast as it goes. `mend`: where the two differ, what runs is wrong."""

    def __init__(
        self,
        connection: Connection,
        settings: Settings,
        folder: Path,
        publisher: ChangelogWriter,
        *,
        stores: SettingsLookup,
        layout: StateSchema = STATE_SCHEMA,
        rate: int = 0,
        mend: bool = False,
    ) -> None:
        self.layout = layout
        self.publisher = publisher
        self._running = connection
        self._next = publisher.connection
        self._folder = folder
        self._stores = stores
        self._rate = rate
        self._mend = mend
        create_topics(self._next, settings, (COMMANDS, *(CHANGELOGS[table] for table in VERSIONED_TABLES)))
        self._count = len(decided_range(connection, EVENTS).bounds)
        self._found: dict[int, Comparison] = {}
        self._settled: dict[int, list[int]] = {}
        self._contradictions: list[str] = []

    def advance(self, tell: TellProgress) -> bool:
        """Takes facts, compares, and carries over what does not follow from facts, once. Whether nothing is
        left to do: all is the same, and nothing has moved meanwhile. Raises Retryable."""
        for number, ends in self._ends().items():
            if self._settled.get(number) != ends:
                self._settled.pop(number, None)
                if self._advance(number, progress_of_partition(tell, number, self._count)):
                    self._settled[number] = ends
        return self.settled

    @property
    def settled(self) -> bool:
        """Whether the last `advance` found nothing left to do."""
        return len(self._settled) == self._count

    def generation(self, now: datetime) -> Generation:
        """What is made here, to be the present one from `now` on."""
        number = self.publisher.connection.generation
        return Generation(number=number, layout=self.layout.number, switched_at=now)

    @property
    def fits(self) -> bool:
        """Whether what was made may take the running state's place."""
        return self._mend or not self.found.different

    @property
    def found(self) -> Comparison:
        """What came of the last look at each partition."""
        whole = Comparison(self.layout)
        for each in self._found.values():
            for name in ("same", "different", "passed_over"):
                getattr(whole, name).update(getattr(each, name))
            whole.differences += each.differences
        whole.contradictions = self._contradictions
        return whole

    def _ends(self) -> dict[int, list[int]]:
        """By partition, those of all that the running state, and the next one, follow from."""
        both = [
            each.topic(CHANGELOGS[table])
            for table in VERSIONED_TABLES
            for each in (self._running, self._next)
        ]
        topics, numbers = [self._running.topic(EVENTS), *both], range(self._count)

        async def asked() -> dict[Place, int]:
            return await EndOffsets(self._running).of([(topic, n) for topic in topics for n in numbers])

        found = asyncio.run(asked())
        return {n: [found[topic, n] for topic in topics] for n in numbers}

    def _advance(self, number: int, say: SayProgress) -> bool:
        """Whether the partition's state can take the other's place as it was."""
        found = self._found[number] = Comparison(self.layout)
        place = self._folder / str(number)
        with ExitStack() as stack:
            facts = stack.enter_context(open_fact_tables(place / "facts"))
            running = stack.enter_context(open_state_tables(place / "running"))
            made = stack.enter_context(open_state_tables(place / "made"))
            keys = DataKeys(self._running, number, running, partial(say, READS_STATE))
            end = self._take(number, facts, keys, say)
            keys.bring_up()
            bring_up(self._next, number, made, partial(say, "reading what was made"))
            later = owners_with_later_facts(self._running, number, end)
            say("comparing", 0, 0)
            written = self.publisher.publish(number, carry_over(found, made, running, later))
        return not (written or later or (found.different and not self._mend))

    def _take(self, number: int, facts: Tables, keys: DataKeys, say: SayProgress) -> int:
        return take_facts(
            self._running,
            number,
            facts,
            self._stores,
            keys,
            report=self._paced(partial(say, READS_FACTS)),
            publish=partial(self.publisher.publish, number),
            layout=self.layout,
            size=min(BATCH_RECORDS, self._rate or BATCH_RECORDS),
            contradicted=self._contradictions.extend,
        )

    def _paced(self, report: ReportProgress) -> ReportProgress:
        begun = time.monotonic()

        def told_at_its_pace(done: int, total: int) -> None:
            report(done, total)
            if self._rate:
                time.sleep(max(0.0, begun + done / self._rate - time.monotonic()))

        return told_at_its_pace

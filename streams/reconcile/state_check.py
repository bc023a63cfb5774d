"""Checks the running state against the facts, its own sums, and the holders of identifiers.

Workers may go on meanwhile: owners with facts since the check began are left out.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from streams.domain.state import Known
from streams.kafka.clients import Connection
from streams.kafka.external_sort import sort_on_disk
from streams.kafka.log_reader import decided_range
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
from streams.runtime.restore_progress import TellProgress
from streams.stages.identifier_holders import (
    Pair,
    documents_of_owners,
    find_clashes,
    identifiers_of_members,
    identifiers_reserved,
    members_with_claims,
)
from streams.stages.restore_proof import unbalanced_wallets
from streams.tables.tables import Tables, UnindexedTables, open_tables
from streams.topics import EVENTS

MAX_SHOWN = 1000
WRONG_STATE = {
    ("Lot", "is not rebuilt"): "lots that are spent or over by the facts, and live",
    ("Lot", "is not there"): "lots missing",
    ("Lot", "differs"): "lots with other units than by the facts",
    ("Account", "is not rebuilt"): "wallets of which there are no facts",
    ("Account", "is not there"): "wallets missing",
    ("Account", "differs"): "balances other than by the facts",
    ("Member", "is not there"): "members missing",
    ("Member", "is not rebuilt"): "members of whom there are no facts",
}
"""What an operator is told, by kind of entry and how it differs."""
IDENTIFIER_CHECK = "identifiers that are not one member's"
SUM_CHECK = "wallets whose entries do not add up"
FACT_CHECK = "facts that contradict others"


@dataclass(slots=True)
class StateCheck:
    """`wrong`: how many, by what is wrong; `listed`: of each in a sentence, so many at most."""

    comparison: Comparison = field(default_factory=Comparison)
    wrong: Counter[str] = field(default_factory=Counter)
    listed: list[str] = field(default_factory=list)
    passed_over: int = 0

    @property
    def sound(self) -> bool:
        return not self.wrong

    def add(self, what: str, sentence: str) -> None:
        self.wrong[what] += 1
        if len(self.listed) < MAX_SHOWN:
            self.listed.append(sentence)

    def conclude(self) -> None:
        """Takes over what the comparison with the facts has found."""
        for (kind, which), count in self.comparison.kinds.items():
            self.wrong[WRONG_STATE.get((kind, which), f"entries {kind} of which one {which}")] += count
        self.listed += self.comparison.differences[: max(0, MAX_SHOWN - len(self.listed))]
        self.passed_over += sum(self.comparison.passed_over.values())


def check_state(
    connection: Connection, stores: SettingsLookup, folder: Path, tell: TellProgress
) -> StateCheck:
    """Raises Retryable where the cluster does not answer."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="check-", dir=folder) as place:
        return _Checking(connection, stores, Path(place), tell).run()


class _Checking:
    def __init__(
        self, connection: Connection, stores: SettingsLookup, folder: Path, tell: TellProgress
    ) -> None:
        self._connection = connection
        self._stores = stores
        self._folder = folder
        self._tell = tell
        self._found = StateCheck()
        self._begun = {number: end for number, (_, end) in decided_range(connection, EVENTS).bounds.items()}
        self._busy: set[str] = set()
        """Owners of whom something is being decided, or has happened meanwhile."""

    def run(self) -> StateCheck:
        with sort_on_disk(self._pairs(), self._folder) as scan:
            for number, end in self._begun.items():
                self._busy |= owners_with_later_facts(self._connection, number, end)
            for owners, what in find_clashes(scan(b"")):
                if self._busy.isdisjoint(owners):
                    self._found.add(IDENTIFIER_CHECK, what)
                else:
                    self._found.passed_over += 1
        self._found.conclude()
        return self._found

    def _pairs(self) -> Iterator[Pair]:
        """Who is known by what, and who has what; on the way all else is looked at."""
        for number in self._begun:
            with closing(open_tables(self._folder / f"known-{number}", (Known,), UnindexedTables)) as tables:
                say = self._say(number)
                bring_up(self._connection, number, tables, partial(say, "reading who is known by what"))
                yield from identifiers_reserved(tables)
        for number in self._begun:
            yield from self._members(number)

    def _members(self, number: int) -> Iterator[Pair]:
        say, place = self._say(number), self._folder / str(number)
        with ExitStack() as stack:
            running = stack.enter_context(open_state_tables(place / "running"))
            rebuilt = stack.enter_context(open_fact_tables(place / "rebuilt"))
            keys = DataKeys(self._connection, number, running, partial(say, READS_STATE))
            end = take_facts(
                self._connection,
                number,
                rebuilt,
                self._stores,
                keys,
                report=partial(say, READS_FACTS),
                contradicted=self._contradicted,
            )
            keys.bring_up()
            self._judge(rebuilt, running, owners_with_later_facts(self._connection, number, end))
            self._busy.update(members_with_claims(running))
            yield from identifiers_of_members(running)
            yield from documents_of_owners(running)

    def _judge(self, rebuilt: Tables, running: Tables, changed: frozenset[str]) -> None:
        self._found.comparison.compare(rebuilt, running, changed)
        for owner, broken in unbalanced_wallets(running):
            if owner not in changed:
                self._found.add(SUM_CHECK, f"{owner}: {broken}")

    def _contradicted(self, facts: list[str]) -> None:
        for fact in facts:
            self._found.add(FACT_CHECK, fact)

    def _say(self, number: int) -> SayProgress:
        return progress_of_partition(self._tell, number, len(self._begun))

"""The pipeline with its stages apart: a test says which of them takes its next record, and when."""

from datetime import datetime
from decimal import Decimal

from streams.domain.commands import AdvanceClock, Command
from streams.domain.state import Account, Known, Member
from streams.domain.store import StoreSettings
from streams.stages.commands import owner_of
from streams.stages.context import Clock, Stage, StageContext
from streams.topics import COMMANDS, IDENTITY_REQUESTS, WEBHOOK_EVENTS
from tests.driver import Pipeline, record
from tests.samples import STORE


class Apart(Pipeline):
    """Each stage reads its own topic at its own pace."""

    def __init__(self, *settings: StoreSettings, now: datetime, clock: Clock | None = None) -> None:
        super().__init__(*settings, now=now, clock=clock)
        self._done = dict.fromkeys((COMMANDS.name, IDENTITY_REQUESTS.name, WEBHOOK_EVENTS.name), 0)
        self.stages: dict[str, Stage] = {
            COMMANDS.name: self.loyalty,
            IDENTITY_REQUESTS.name: self.identity,
            WEBHOOK_EVENTS.name: self.fan_out,
        }

    def put(self, *commands: Command | AdvanceClock) -> None:
        """Commands come to stand in the log; nobody has read them."""
        for command in commands:
            log = self.log[COMMANDS.name]
            log.append(record(command, len(log)))

    def waiting(self, topic: str) -> int:
        return len(self.log[topic]) - self._done[topic]

    def step(self, topic: str, most: int = 1) -> None:
        """The topic's stage has a turn, offered at most so many records."""
        start = self._done[topic]
        stage = self.stages[topic]
        tables = self.tables_of(stage)
        turn = StageContext(0, tables, self.now)
        self._done[topic] += stage.play(turn, self.log[topic][start : start + most], 100)
        tables.commit(list(tables.changelog()), {})
        for output in turn.outputs:
            self._append(output)

    def drain(self) -> None:
        """Every stage reads to the end of its topic, and what is due happens."""
        while any(self.waiting(topic) for topic in self._done) or self.tables.first_due(self.now):
            for topic in self._done:
                if self.waiting(topic) or topic == COMMANDS.name:
                    self.step(topic, 100)

    def at(self, now: datetime) -> None:
        """The wall clock moves on; whatever has become due happens."""
        self.now = now
        while self.tables.first_due(now):
            self.step(COMMANDS.name, 0)

    def member(self, member: str) -> Member | None:
        return self.tables.of(owner_of(STORE, member)).get(Member)

    def balance(self, member: str) -> Decimal:
        account = self.tables.of(owner_of(STORE, member)).get(Account, b"default")
        return account.available if account else Decimal(0)

    def known(self) -> dict[str, str]:
        """Who is known by what."""
        owners = [owner for _, owner, _, _ in self.identifiers.entries()]
        found = {owner: self.identifiers.of(owner).get(Known) for owner in owners}
        return {owner: known.member_id for owner, known in found.items() if known}

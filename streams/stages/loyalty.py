"""The loyalty stage: from commands to facts, webhook events, messages to other owners, and rejections."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from streams.domain.commands import AdvanceClock
from streams.domain.messages import AnyCommand
from streams.domain.state import (
    Account,
    CampaignUse,
    Claim,
    CouponPlace,
    DataKey,
    Document,
    Ending,
    Entry,
    Handled,
    Held,
    IssuedReward,
    Lot,
    Member,
    PendingLot,
    Plan,
    Secret,
    Standing,
    StreamTime,
    Transaction,
    TransactionDetails,
    Transfer,
    Waiting,
)
from streams.domain.store import StoreSettings
from streams.errors import Poison
from streams.secrets.crypto_shredding import new_secret
from streams.stages.base import BaseStage
from streams.stages.commands import InvalidCommand, read_command
from streams.stages.context import Clock, Record, StageContext
from streams.stages.decider import Decider
from streams.stages.outgoing import send_rejection
from streams.stages.timer_replanning import TimerReplanner
from streams.tables.tables import Tables


class LoyaltyStage(BaseStage):
    """`stores` maps store codes to their current settings. `memory` is how long a command's id is remembered.
    `new_secret` makes a random data key."""

    kinds: Sequence[type[Entry]] = (
        Member,
        Secret,
        Standing,
        CampaignUse,
        Document,
        Transaction,
        TransactionDetails,
        Account,
        Lot,
        Ending,
        PendingLot,
        Transfer,
        Held,
        IssuedReward,
        CouponPlace,
        Handled,
        Claim,
        Waiting,
        Plan,
        StreamTime,
        DataKey,
    )

    def __init__(
        self,
        stores: Mapping[str, StoreSettings],
        clock: Clock,
        memory: timedelta,
        new_secret: Callable[[], bytes] = new_secret,
    ) -> None:
        self._clock = clock
        self._decider = Decider(stores.get, clock, memory, new_secret)
        self._replanner = TimerReplanner(stores)

    def wants(self, partition: int, tables: Tables) -> bool:
        if self.plans(partition) or self._clock.has_history_timers(tables):
            return True
        return tables.first_due(self._clock.now(tables)) is not None

    def plans(self, partition: int) -> bool:
        """Whether timers still have to be adapted to changed settings."""
        return self._replanner.behind(partition)

    def revoked(self, partition: int) -> None:
        self._replanner.forget(partition)

    def play(self, turn: StageContext, records: Sequence[Record], budget: int) -> int:
        """Records in order. While history is played, what is due before a record comes before it, and so it
        is with what was due between history's last record and going live. Live, a burst of timers must not
        hold up commands: each gets what the other leaves, half at least."""
        if self._clock.plays_history:
            return self._play_history(turn, records, budget)
        if self._clock.has_history_timers(turn.tables):
            budget -= self._fire_timers(turn, turn.now, budget)
            if budget <= 0:
                return 0
            self._clock.end_history(turn)
        waiting = turn.tables.first_due(turn.now) is not None
        handled = records[: max(1, budget // 2) if waiting else budget]
        for record in turn.each(handled):
            command = self._read_command(turn, record)
            if command is not None:
                self._decide(turn, record, command, turn.now)
        # Beside commands it is given less: they wait for each other, and nobody for a plan.
        self._replanner.work(turn, turn.now, budget // 2 if records else budget)
        self._fire_timers(turn, turn.now, budget - len(handled))
        return len(handled)

    def _play_history(self, turn: StageContext, records: Sequence[Record], budget: int) -> int:
        for index, record in enumerate(records):
            command = self._read_command(turn, record) if turn.takes(record) else None
            if command is not None:
                now = self._clock.at(turn, command.issued_at)
                budget -= self._fire_timers(turn, now, budget)
                if budget <= 0:
                    return index
                self._decide(turn, record, command, now)
            budget -= 1
        turn.record = None
        # A command that waited was decided at a time gone by, and so may be what it started.
        self._replanner.work(turn, self._clock.now(turn.tables), budget)
        self._fire_timers(turn, self._clock.now(turn.tables), budget)
        return len(records)

    def _decide(
        self, turn: StageContext, record: Record, command: AnyCommand | AdvanceClock, now: datetime
    ) -> None:
        try:
            self._decider.handle(turn, command, now)
        except Poison as cause:
            turn.poison(record, cause)

    def _read_command(self, turn: StageContext, record: Record) -> AnyCommand | AdvanceClock | None:
        """The command; None when the record was put aside or its command refused as it stands."""
        try:
            return read_command(record)
        except Poison as cause:
            turn.poison(record, cause)
        except InvalidCommand as invalid:
            send_rejection(turn, invalid.head, invalid.name, invalid.refusal)
        return None

    def _fire_timers(self, turn: StageContext, now: datetime, budget: int) -> int:
        """At most `budget` timers that are due at `now`, the earliest first. Returns how many."""
        # Not for the record before which it is due.
        record, turn.record = turn.record, None
        fired = 0
        while fired < budget:
            found = turn.tables.first_due(now)
            if found is None:
                break
            owner, entry = found
            # History knows no lateness: what was due between two records happened at its own time, whichever
            # other members' records share the partition.
            due = entry.due or now
            self._decider.timer(turn, owner, entry, due if self._clock.is_history(turn.tables, due) else now)
            fired += 1
        turn.record = record
        return fired

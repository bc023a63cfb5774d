"""The loyalty stage: from commands to facts, webhook events and rejections."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import get_args

from streams.codec import Tree, build, read
from streams.derived import derive
from streams.domain.commands import AdvanceClock, Command, MemberCommand
from streams.domain.decide import decide, due, overdue
from streams.domain.events import Event
from streams.domain.evolve import evolve
from streams.domain.ledger import scheduled
from streams.domain.state import (
    Account,
    Drop,
    Entry,
    Handled,
    IssuedReward,
    Lot,
    Member,
    StreamTime,
    Transaction,
)
from streams.domain.store import StoreSettings
from streams.errors import Poison, Rejected
from streams.kafka.topics import EVENTS, REJECTIONS, WEBHOOK_EVENTS
from streams.refusals import LARGEST_COMMAND, CommandRejected
from streams.stages.turn import Clock, Record, Turn
from streams.tables.tables import Owned, Tables

_KINDS: dict[str, type[MemberCommand | AdvanceClock]] = {
    kind.__name__: kind for kind in (*get_args(MemberCommand), AdvanceClock)
}

LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""While history is played, timers count on from `issued_at`: beyond this they would leave the calendar."""


class LoyaltyStage:
    """`stores` looks up a store's settings; `memory` is how long a command's id is remembered."""

    kinds: Sequence[type[Entry]] = (
        Member,
        Transaction,
        Account,
        Lot,
        IssuedReward,
        Handled,
        StreamTime,
    )
    patience = 0.1

    def __init__(
        self, stores: Callable[[str], StoreSettings | None], clock: Clock, memory: timedelta
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._memory = memory

    def assigned(self, partition: int, tables: Tables) -> None: ...

    def wants(self, partition: int, tables: Tables) -> bool:  # noqa: ARG002
        # History stands still without records.
        return not self._clock.plays_history and tables.first_due(datetime.now(UTC)) is not None

    def between(self, partition: int, tables: Tables) -> None: ...

    def rest(self) -> bool:
        return True

    def revoked(self, partition: int) -> None: ...

    def play(self, turn: Turn, records: Sequence[Record], budget: int) -> int:
        """Records in order. While history is played, what is due before a record comes before it. Live,
        a burst of timers must not hold up commands: each gets what the other leaves, half at least."""
        if self._clock.plays_history:
            return self._play_history(turn, records, budget)
        handled = records[: max(1, budget // 2)]
        for record in turn.each(handled):
            command = self._read(turn, record)
            if command is not None:
                self._handle(turn, command, turn.now)
        self._fire(turn, turn.now, budget - len(handled))
        return len(handled)

    def _play_history(self, turn: Turn, records: Sequence[Record], budget: int) -> int:
        for index, record in enumerate(turn.each(records)):
            command = self._read(turn, record)
            if command is not None:
                now = self._clock.at(turn, command.issued_at)
                budget -= self._fire(turn, now, budget)
                if budget <= 0:
                    return index
                self._handle(turn, command, now)
            budget -= 1
        return len(records)

    def _read(self, turn: Turn, record: Record) -> MemberCommand | AdvanceClock | None:
        """The command; None when the record was put aside."""
        try:
            if record.value is not None and len(record.value) > LARGEST_COMMAND:
                raise Poison(f"has {len(record.value):,} bytes; a command has {LARGEST_COMMAND:,} at most")
            name, tree = read(record.value, record.schema)
            kind = _KINDS.get(name)
            if kind is None:
                raise Poison(f"is a {name}, which is no command")
            command = self._build(turn, kind, tree)
            if command is not None and command.issued_at >= LATEST:
                raise Poison(f"issued_at {command.issued_at} must lie before {LATEST}")
            if isinstance(command, Command):
                _check_key(record, owner_of(command.store, command.member_id))
        except Poison as cause:
            turn.poison(record, cause)
            return None
        return command

    def _build(
        self, turn: Turn, kind: type[MemberCommand | AdvanceClock], tree: Tree
    ) -> MemberCommand | AdvanceClock | None:
        """The command, or None when it was refused for a field that no state could make valid."""
        try:
            return build(kind, tree)
        except Rejected as refusal:
            head = {field: tree.get(field) for field in Command.__struct_fields__}
            if kind is AdvanceClock or refusal.field in head:
                # Nobody could be told: the answer is found by these fields.
                raise Poison(str(refusal)) from None
            self._reject(turn, build(Command, head), kind.__name__, refusal)
            return None

    def _handle(self, turn: Turn, command: MemberCommand | AdvanceClock, now: datetime) -> None:
        if isinstance(command, AdvanceClock):
            return
        state = turn.tables.of(owner_of(command.store, command.member_id))
        name = type(command).__name__
        before = state.get(Handled, command.command_id.encode())
        if before:
            if before.rejection:
                self._reject(turn, command, name, Rejected(*before.rejection))
            return
        try:
            self._decide(turn, state, command, now)
            refusal = None
        except Rejected as rejected:
            self._reject(turn, command, name, rejected)
            refusal = rejected.field, str(rejected.value), rejected.reason
        state.apply(Handled(command_id=command.command_id, forget_at=now + self._memory, rejection=refusal))

    def _decide(self, turn: Turn, state: Owned, command: MemberCommand, now: datetime) -> None:
        store = self._stores(command.store)
        if store is None:
            raise Rejected("store", command.store, "has no settings: `loyalty store put` gives it some")
        self._happen(turn, state, overdue(state, command, now, store), store)
        first = True
        try:
            for event in decide(state, command, now, store):
                first = False
                self._happen(turn, state, iter((event,)), store)
        except Rejected as late:
            if first:
                raise
            raise RuntimeError(
                f"{type(command).__name__} was refused after its first event: {late}"
            ) from late

    def _happen(self, turn: Turn, state: Owned, events: Iterator[Event], store: StoreSettings) -> int:
        """Each event changes the state, then is told of, before the next is asked for."""
        count = 0
        for event in events:
            owner = owner_of(event.store, event.member_id)
            for change in evolve(state, event, store):
                state.apply(change)
            turn.send_beside(EVENTS, owner, event)
            for webhook_event in derive(event, state, store):
                turn.send_beside(WEBHOOK_EVENTS, owner, webhook_event)
            count += 1
        return count

    def _reject(self, turn: Turn, command: Command, name: str, refusal: Rejected) -> None:
        turn.send_beside(
            REJECTIONS,
            owner_of(command.store, command.member_id),
            CommandRejected(
                command_id=command.command_id,
                command=name,
                store=command.store,
                member_id=command.member_id,
                field=refusal.field,
                value=str(refusal.value),
                reason=refusal.reason,
                rejected_at=turn.now,
            ),
        )

    def _fire(self, turn: Turn, now: datetime, budget: int) -> int:
        """At most `budget` timers that are due at `now`, the earliest first. Returns how many."""
        # Not for the record before which it is due.
        record, turn.record = turn.record, None
        fired = 0
        while fired < budget:
            found = turn.tables.first_due(now)
            if found is None:
                break
            owner, entry = found
            # Played history knows no lateness: what was due between two records happened at its own time,
            # whichever other members' records share the partition.
            self._timer(turn, owner, entry, (self._clock.plays_history and entry.due) or now)
            fired += 1
        turn.record = record
        return fired

    def _timer(self, turn: Turn, owner: str, entry: Entry, now: datetime) -> None:
        state = turn.tables.of(owner)
        match entry:
            case Handled():
                state.apply(Drop(entry=entry))
            case Lot():
                code, _, member_id = owner.partition("/")
                store = self._stores(code) or StoreSettings(store=code, wallets=())
                if not self._happen(turn, state, due(entry, store, member_id, now), store):
                    # Its lead times were changed since: nothing to tell yet.
                    state.apply(scheduled(entry, store))
            case _:
                raise TypeError(f"{type(entry).__name__} has no timer")


def owner_of(store: str, member_id: str) -> str:
    """The key of a member's records and the owner of its entries."""
    return f"{store}/{member_id}"


def _check_key(record: Record, owner: str) -> None:
    """A record on the wrong partition would see another state: its key must be its member's."""
    if record.key != owner.encode():
        key = (record.key or b"").decode(errors="replace")
        raise Poison(f"has the key {key!r} where {owner!r} belongs")

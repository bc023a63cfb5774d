"""The fan-out stage: from webhook events to deliveries."""

from collections.abc import Sequence
from datetime import timedelta

from streams.codec.avro import decode
from streams.delivery.backfill_recipients import is_recipient, read_recipients
from streams.delivery.fan_out import fan_out
from streams.delivery.legacy_batches import Batch, Item, close_batch, collect_item, is_collected, is_full
from streams.delivery.records import Delivery, Subscription
from streams.delivery.replay_selection import to_replayed
from streams.delivery.subscription import Subscriptions
from streams.domain.state import Entry
from streams.errors import Poison
from streams.stages.base import RecordStage
from streams.stages.commands import owner_of
from streams.stages.context import Clock, Record, StageContext, WallClock
from streams.tables.owner_entries import OwnerState
from streams.tables.tables import Tables
from streams.topics import DELIVERIES
from streams.webhooks import CATALOGUE
from streams.webhooks.events import WebhookEvent


class FanOutStage(RecordStage):
    """What it does follows from the record and from the subscriptions of the moment; it keeps only legacy
    items that are collected, for `window` at most.

    Its clock is the wall's also where history is played: how long a request waits for more to tell is no
    matter of the programme's.
    """

    kinds: Sequence[type[Entry]] = (Batch, Item)

    def __init__(self, subscriptions: Subscriptions, window: timedelta, clock: Clock | None = None) -> None:
        self._subscriptions = subscriptions
        self._window = window
        self._clock = clock or WallClock()

    def wants(self, partition: int, tables: Tables) -> bool:  # noqa: ARG002
        return tables.first_due(self._clock.now(tables)) is not None

    def play(self, turn: StageContext, records: Sequence[Record], budget: int) -> int:
        """Batches whose time is over must not hold up events: each gets what the other leaves, half at
        least."""
        over = turn.tables.first_due(turn.now) is not None
        handled = super().play(turn, records, max(1, budget // 2) if over else budget)
        self._close_overdue(turn, max(1, budget - handled))
        return handled

    def record(self, turn: StageContext, record: Record) -> None:
        name = record.kind
        by = read_recipients(record.headers)
        wanted = [one for one in self._wanted(record, name) if is_recipient(one.subscription_id, by)]
        # Header and key say enough: most events are wanted by nobody and are never decoded.
        if wanted or name not in CATALOGUE:
            for delivery in fan_out(_event(record, name), wanted):
                if by:
                    turn.send(DELIVERIES, delivery.subscription_id, to_replayed(delivery, by.name))
                elif is_collected(delivery):
                    self._collect(turn, delivery)
                else:
                    turn.send(DELIVERIES, delivery.subscription_id, delivery)

    def _wanted(self, record: Record, name: str) -> list[Subscription]:
        store, _, _ = (record.key or b"").decode(errors="replace").partition("/")
        return self._subscriptions.matching(store, name)

    def _collect(self, turn: StageContext, delivery: Delivery) -> None:
        state = turn.tables.of(delivery.subscription_id)
        for entry in collect_item(state, delivery, turn.now, self._window):
            state.apply(entry)
            if isinstance(entry, Batch) and is_full(entry):
                _close(turn, state, entry)

    def _close_overdue(self, turn: StageContext, budget: int) -> None:
        """Those whose window is over, until they have made up `budget` items or more."""
        while budget > 0:
            found = turn.tables.first_due(turn.now)
            if found is None:
                return
            subscription_id, batch = found
            if not isinstance(batch, Batch):
                raise TypeError(f"{type(batch).__name__} has no timer")
            _close(turn, turn.tables.of(subscription_id), batch)
            budget -= batch.items


def _close(turn: StageContext, state: OwnerState, batch: Batch) -> None:
    delivery, changes = close_batch(state, batch)
    for change in changes:
        state.apply(change)
    turn.send(DELIVERIES, delivery.subscription_id, delivery)


def _event(record: Record, name: str) -> WebhookEvent:
    entry = CATALOGUE.get(name)
    if entry is None:
        raise Poison(f"header schema={record.schema!r} names no webhook event")
    event: WebhookEvent = decode(entry.event, record.value, record.schema)
    record.check_key(owner_of(event.store, event.member_id))
    return event

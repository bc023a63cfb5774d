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
    """Turns webhook events into deliveries for the subscriptions of the moment. Its only state are items of
    legacy arrays, which it collects for `window` at most.

    It uses the wall clock also while history is played: how long a request waits for more items does not
    depend on the programme's time.
    """

    kinds: Sequence[type[Entry]] = (Batch, Item)

    def __init__(self, subscriptions: Subscriptions, window: timedelta, clock: Clock | None = None) -> None:
        self._subscriptions = subscriptions
        self._window = window
        self._clock = clock or WallClock()

    def wants(self, partition: int, tables: Tables) -> bool:  # noqa: ARG002
        return tables.first_due(self._clock.now(tables)) is not None

    def play(self, turn: StageContext, records: Sequence[Record], budget: int) -> int:
        """Closing batches must not delay events: each of the two gets half of the budget at least."""
        over = turn.tables.first_due(turn.now) is not None
        handled = super().play(turn, records, max(1, budget // 2) if over else budget)
        self._close_overdue(turn, max(1, budget - handled))
        return handled

    def record(self, turn: StageContext, record: Record) -> None:
        name = record.kind
        by = read_recipients(record.headers)
        wanted = [
            one for one in self._matching_subscriptions(record, name) if is_recipient(one.subscription_id, by)
        ]
        # Header and key are enough to match: most events are wanted by no subscription and are never decoded.
        if wanted or name not in CATALOGUE:
            for delivery in fan_out(_decode_event(record, name), wanted):
                if by:
                    turn.send(DELIVERIES, delivery.subscription_id, to_replayed(delivery, by.name))
                elif is_collected(delivery):
                    self._collect_delivery(turn, delivery)
                else:
                    turn.send(DELIVERIES, delivery.subscription_id, delivery)

    def _matching_subscriptions(self, record: Record, name: str) -> list[Subscription]:
        store, _, _ = (record.key or b"").decode(errors="replace").partition("/")
        return self._subscriptions.matching(store, name)

    def _collect_delivery(self, turn: StageContext, delivery: Delivery) -> None:
        state = turn.tables.of(delivery.subscription_id)
        for entry in collect_item(state, delivery, turn.now, self._window):
            state.apply(entry)
            if isinstance(entry, Batch) and is_full(entry):
                _close_and_send(turn, state, entry)

    def _close_overdue(self, turn: StageContext, budget: int) -> None:
        """Closes batches whose window is over, until they add up to `budget` items or more."""
        while budget > 0:
            found = turn.tables.first_due(turn.now)
            if found is None:
                return
            subscription_id, batch = found
            if not isinstance(batch, Batch):
                raise TypeError(f"{type(batch).__name__} has no timer")
            _close_and_send(turn, turn.tables.of(subscription_id), batch)
            budget -= batch.items


def _close_and_send(turn: StageContext, state: OwnerState, batch: Batch) -> None:
    delivery, changes = close_batch(state, batch)
    for change in changes:
        state.apply(change)
    turn.send(DELIVERIES, delivery.subscription_id, delivery)


def _decode_event(record: Record, name: str) -> WebhookEvent:
    entry = CATALOGUE.get(name)
    if entry is None:
        raise Poison(f"header schema={record.schema!r} names no webhook event")
    event: WebhookEvent = decode(entry.event, record.value, record.schema)
    record.check_key(owner_of(event.store, event.member_id))
    return event

"""Derives webhook events of the past again from the facts, by today's rules. Pure.

An event's id is derived from the fact and the event's name, so that a second backfill makes the same events.
The id of a correction includes the correction's name, so that it differs from the event that it corrects.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from streams.derived import derive
from streams.domain.ids import derived_id
from streams.domain.store import StoreSettings
from streams.stages.context import Record
from streams.stages.rebuild import replay_facts
from streams.tables.tables import Tables
from streams.webhooks.events import WebhookEvent


@dataclass(frozen=True, slots=True)
class BackfillRequest:
    """Which events to derive: of facts with since <= occurred_at < until, of one member or of all."""

    event_name: str
    store: str
    since: datetime
    until: datetime
    member_id: str | None = None
    correction: str | None = None

    def about(self, key: bytes | None) -> bool:
        """Whether a fact with that key belongs to the store and the member."""
        store, _, member_id = (key or b"").decode(errors="replace").partition("/")
        return store == self.store and self.member_id in (None, member_id)

    def covers(self, occurred_at: datetime) -> bool:
        return self.since <= occurred_at < self.until


def backfill_events(
    tables: Tables,
    facts: Iterable[Record],
    stores: Callable[[str], StoreSettings | None],
    secret: Callable[[str], bytes | None],
    wish: BackfillRequest,
) -> Iterator[tuple[Record, WebhookEvent]]:
    """Yields each event with the record of its fact.

    `tables` hold the state before `facts`, and the state after them once this is exhausted. `secret` returns
    an owner's data key, which opens personal fields. Raises Poison for a record that is not a fact."""
    wanted = (record for record in facts if wish.about(record.key))
    for record, fact, state, store, _ in replay_facts(tables, wanted, stores, secret):
        if wish.covers(fact.occurred_at):
            for event in derive(fact, state, store):
                if type(event).__name__ == wish.event_name:
                    yield record, _apply_correction(event, wish.correction)
    tables.commit(list(tables.changelog()), {})


def _apply_correction(event: WebhookEvent, correction: str | None) -> WebhookEvent:
    if correction is None:
        return event
    return replace(event, webhook_event_id=derived_id(event.webhook_event_id, "correction", correction))

"""Webhook events of the past, derived again from the facts by the rules of now. Pure.

Ids follow from the fact and the event's name, so that a second time makes the same; those of a correction
from its name too, so that it is another event than the one it corrects.
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
    """Which events: of facts that occurred from `since` on and before `until`; of one member, or of all."""

    event_name: str
    store: str
    since: datetime
    until: datetime
    member_id: str | None = None
    correction: str | None = None

    def about(self, key: bytes | None) -> bool:
        """Whether a fact of that key is of the store, and of the member."""
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
    """The events, each with the record of its fact. `tables` hold the state before `facts`, and after them
    once this is exhausted; what is personal is sealed with an owner's `secret`. Raises Poison for what is no
    fact."""
    wanted = (record for record in facts if wish.about(record.key))
    for record, fact, state, store, _ in replay_facts(tables, wanted, stores, secret):
        if wish.covers(fact.occurred_at):
            for event in derive(fact, state, store):
                if type(event).__name__ == wish.event_name:
                    yield record, _corrected(event, wish.correction)
    tables.commit(list(tables.changelog()), {})


def _corrected(event: WebhookEvent, correction: str | None) -> WebhookEvent:
    if correction is None:
        return event
    return replace(event, webhook_event_id=derived_id(event.webhook_event_id, "correction", correction))

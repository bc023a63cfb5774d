"""The fan-out stage: from webhook events to deliveries."""

from streams.codec import decode
from streams.delivery.fan_out import fan_out
from streams.delivery.records import Subscription
from streams.delivery.subscription import Subscriptions
from streams.errors import Poison
from streams.kafka.topics import DELIVERIES
from streams.stages.quiet import EachRecord
from streams.stages.turn import Record, Turn
from streams.webhooks import CATALOGUE
from streams.webhooks.events import WebhookEvent


class FanOutStage(EachRecord):
    """Keeps no state: what it does follows from the record and from the subscriptions of the moment."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        self._subscriptions = subscriptions

    def record(self, turn: Turn, record: Record) -> None:
        name, _, _ = (record.schema or "").rpartition(".v")
        wanted = self._wanted(record, name)
        # Header and key say enough: most events are wanted by nobody and are never decoded.
        if wanted or name not in CATALOGUE:
            for delivery in fan_out(_event(record, name), wanted):
                turn.send(DELIVERIES, delivery.subscription_id, delivery)

    def _wanted(self, record: Record, name: str) -> list[Subscription]:
        store, _, _ = (record.key or b"").decode(errors="replace").partition("/")
        return self._subscriptions.matching(store, name)


def _event(record: Record, name: str) -> WebhookEvent:
    entry = CATALOGUE.get(name)
    if entry is None:
        raise Poison(f"header schema={record.schema!r} names no webhook event")
    event: WebhookEvent = decode(entry.event, record.value, record.schema)
    return event

"""What listeners fetch, in memory."""

import asyncio

from api.services.listeners import ListenerPorts
from connectors.http.attempt_sender import AttemptSender
from streams.delivery.listeners import Listeners
from streams.delivery.records import Delivery
from streams.projections.listener_feed import FeedItem, Position
from streams.secrets.sealing import SecretSealer
from streams.webhooks.events import WebhookEvent
from tests.api.logs import LogInMemory


class FeedInMemory:
    """Two partitions of webhook events, and one of examples."""

    def __init__(self) -> None:
        self.partitions: list[list[WebhookEvent | Delivery | None]] = [[], [], []]

    async def end(self) -> Position:
        await asyncio.sleep(0)
        return tuple(map(len, self.partitions))

    async def read(self, store: str, after: Position, until: Position, most: int) -> list[FeedItem]:
        await asyncio.sleep(0)
        behind, found = list(after), list[FeedItem]()
        for number in (2, 0, 1):
            for record in self.partitions[number][after[number] : until[number]]:
                if len(found) == most:
                    return found
                behind[number] += 1
                of_store = record if record is not None and record.store == store else None
                found.append(FeedItem(of_store, tuple(behind)))
        return found

    async def append(self, example: Delivery) -> None:
        await asyncio.sleep(0)
        self.partitions[2].append(example)


class ListeningInMemory:
    def __init__(self, safe: SecretSealer) -> None:
        self.listeners, self.feed = Listeners(), FeedInMemory()
        self.log = LogInMemory(self.listeners.get, self.listeners.put)
        self.ports = ListenerPorts(
            self.listeners,
            self.log,
            self.feed,
            self.feed.append,
            lambda transport: AttemptSender(transport, safe),
        )

    def publish(self, *events: WebhookEvent, partition: int = 0) -> None:
        self.feed.partitions[partition].extend(events)

    def reset(self) -> None:
        for each in self.listeners.all():
            self.listeners.put(each.listener_id, None)
        for partition in self.feed.partitions:
            partition.clear()
        self.log.away = False

"""The sink process: the sink stage, fed from the deliveries topic, sending through httpx."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from mode import Service
from mode.utils.types.trees import NodeT

from connectors.http.sender import HttpxSender
from connectors.http.sink import SinkStage
from streams.kafka.agents import App
from streams.kafka.clients import Connection
from streams.kafka.identity import identity
from streams.kafka.topics import DELIVERIES
from streams.kafka.worker import follow_subscriptions
from streams.settings import Settings


class _Closing(Service):
    """Closes the sender's connections when the app ends."""

    mundane_level = "debug"

    def __init__(self, sender: HttpxSender, beacon: NodeT[Any]) -> None:
        super().__init__(beacon=beacon)
        self._sender = sender

    async def on_stop(self) -> None:
        await self._sender.aclose()


@contextmanager
def sink(settings: Settings, connection: Connection) -> Iterator[App]:
    """The app, wired; it holds the process's name while the block runs. To be entered in a running loop."""
    with identity(settings, "sink") as who:
        app = App(f"{settings.topic_prefix}sink")
        subscriptions = follow_subscriptions(app, connection)
        sender = HttpxSender(timeout=settings.request_timeout, allowed=settings.allow_targets)
        app.feeds.append(_Closing(sender, app.beacon))
        stage = SinkStage(
            subscriptions,
            sender,
            concurrency=settings.endpoint_concurrency,
            now=lambda: datetime.now(UTC),
            new_id=lambda: str(uuid4()),
            jitter=random.random,
        )
        app.feed(connection, who, DELIVERIES, stage, settings.batch_records)
        yield app

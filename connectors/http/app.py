"""The sink process: the sink stage, fed from the deliveries topic, sending through httpx."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

from connectors.http.sender import HttpxSender
from connectors.http.sink import SinkStage
from streams.kafka.agents import App
from streams.kafka.clients import Connection
from streams.kafka.identity import identity
from streams.kafka.topics import DELIVERIES
from streams.kafka.worker import follow_subscriptions
from streams.settings import Settings


@contextmanager
def sink(settings: Settings, connection: Connection) -> Iterator[App]:
    """The app, wired; it holds the process's name while the block runs. To be entered in a running loop."""
    with identity(settings, "sink") as who:
        app = App(f"{settings.topic_prefix}sink")
        app.expose(settings)
        subscriptions = follow_subscriptions(app, connection)
        sender = HttpxSender(timeout=settings.request_timeout, allowed=settings.allow_targets)
        app.at_its_end(sender.aclose)
        stage = SinkStage(
            subscriptions,
            sender,
            concurrency=settings.endpoint_concurrency,
            now=lambda: datetime.now(UTC),
            new_id=lambda: str(uuid4()),
            jitter=random.random,
            dotted_names=settings.event_names == "dotted",
        )
        app.feed(connection, who, DELIVERIES, stage, settings)
        yield app

"""The sink process: feeds the sink stage from the deliveries topic and sends its requests over HTTP."""

import gc
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from connectors.http.attempt import Outside
from connectors.http.attempt_sender import Courier, check_keys
from connectors.http.endpoint_health import Policy
from connectors.http.sender import HttpSender
from connectors.http.sink import SinkStage
from streams.kafka.clients import Connection
from streams.runtime.app import App
from streams.runtime.instance import identity
from streams.runtime.worker import follow_subscriptions
from streams.secrets.sealing import Safe
from streams.settings import Settings
from streams.topics import DELIVERIES


@contextmanager
def sink(
    settings: Settings, connection: Connection, stage: Callable[[Outside], SinkStage] = SinkStage
) -> Iterator[App]:
    """Yields the wired app, and holds the process's name while the block runs. Enter it in a running loop."""
    with identity(settings, "sink") as who, _collecting_seldom():
        app = App(f"{settings.topic_prefix}sink")
        app.expose(settings)
        subscriptions = follow_subscriptions(app, connection)
        safe = safe_of(settings)
        app.at_its_start(lambda: check_keys(iter(subscriptions), safe))
        sender = sender_of(settings)
        app.at_its_end(sender.aclose)
        outside = Outside(
            subscriptions,
            courier_of(settings, sender, safe),
            policy(settings),
            now=lambda: datetime.now(UTC),
            new_id=lambda: str(uuid4()),
            jitter=random.random,
        )
        app.feed(connection, who, DELIVERIES, stage(outside), settings)
        yield app


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Collects garbage rarely: requests are many short-lived objects, and at the default thresholds the
    collector took a quarter of the processor's time."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


def policy(settings: Settings) -> Policy:
    """The deployment's settings that hold for every endpoint."""
    return Policy(
        concurrency=settings.endpoint_concurrency,
        breaker_failures=settings.breaker_failures,
        breaker_longest=timedelta(seconds=settings.breaker_wait),
        disable_after=timedelta(days=settings.disable_after_days) or None,
        held_for=timedelta(days=settings.held_days) or None,
    )


def safe_of(settings: Settings) -> Safe:
    return Safe([key.get_secret_value() for key in settings.secret_key])


def sender_of(settings: Settings) -> HttpSender:
    return HttpSender(
        timeout=settings.request_timeout,
        allowed=settings.allow_targets,
        proxy=settings.proxy.get_secret_value() if settings.proxy else None,
    )


def courier_of(settings: Settings, sender: HttpSender, safe: Safe) -> Courier:
    return Courier(sender, safe, dotted_names=settings.event_names == "dotted")

"""The sink process: feeds the sink stage from the deliveries topic and sends its requests over HTTP."""

import gc
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from connectors.http.attempt import SinkPorts
from connectors.http.attempt_sender import AttemptSender, check_keys
from connectors.http.endpoint_health import EndpointPolicy
from connectors.http.endpoint_metrics import EndpointMetrics
from connectors.http.sender import HttpSender, Sender
from connectors.http.sink import SinkStage
from streams.kafka.clients import Connection
from streams.runtime.app import App
from streams.runtime.instance import hold_instance
from streams.runtime.worker import follow_subscriptions
from streams.secrets.sealing import SecretSealer
from streams.settings import Settings
from streams.topics import DELIVERIES


@contextmanager
def open_sink(
    settings: Settings, connection: Connection, stage: Callable[[SinkPorts], SinkStage] = SinkStage
) -> Iterator[App]:
    """Yields the wired app, and holds the process's name while the block runs. Enter it in a running loop."""
    with hold_instance(settings, "sink") as who, _collecting_seldom():
        app = App(f"{settings.topic_prefix}sink")
        app.expose(settings, connection)
        subscriptions = follow_subscriptions(app, connection)
        safe = make_safe(settings)
        app.add_start_check(lambda: check_keys(iter(subscriptions), safe))
        sender = make_sender(settings)
        app.add_closing(sender.aclose)
        measures = EndpointMetrics(app.metrics, settings.metrics_endpoints)
        outside = SinkPorts(
            subscriptions,
            make_attempt_sender(settings, sender, safe),
            read_policy(settings),
            now=lambda: datetime.now(UTC),
            new_id=lambda: str(uuid4()),
            jitter=random.random,
            observe_attempt=measures.observe_attempt,
        )
        sink = stage(outside)
        app.metrics.refreshers.append(lambda: measures.refresh(sink.endpoints(), outside.policy, outside.now))
        app.feed(connection, who, DELIVERIES, sink, settings)
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


def read_policy(settings: Settings) -> EndpointPolicy:
    """The deployment's settings that hold for every endpoint."""
    return EndpointPolicy(
        concurrency=settings.endpoint_concurrency,
        breaker_failures=settings.breaker_failures,
        max_breaker_wait=timedelta(seconds=settings.breaker_wait),
        disable_after=timedelta(days=settings.disable_after_days) or None,
        hold_for=timedelta(days=settings.held_days) or None,
    )


def make_safe(settings: Settings) -> SecretSealer:
    return SecretSealer([key.get_secret_value() for key in settings.secret_key])


def make_sender(settings: Settings) -> HttpSender:
    return HttpSender(
        timeout=settings.request_timeout,
        allowed=settings.allow_targets,
        proxy=settings.proxy.get_secret_value() if settings.proxy else None,
    )


def make_attempt_sender(settings: Settings, sender: Sender, safe: SecretSealer) -> AttemptSender:
    return AttemptSender(sender, safe, dotted_names=settings.event_names == "dotted")

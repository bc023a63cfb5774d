"""The sink on a real broker: disabled and enabled again, given up and driven again."""

import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from confluent_kafka import Producer
from msgspec.structs import replace

from streams.codec.avro import HEADER, decode, encode
from streams.delivery.records import Delivery, EndpointStatus, Subscription
from streams.kafka.clients import Connection, connection
from streams.kafka.topic_admin import create_topics
from streams.local_broker import ports
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, DELIVERIES, ENDPOINT_STATUS, SUBSCRIPTIONS
from tests.connectors.sink_driver import FIRST, SECOND, delivery
from tests.crash.verdict import lines
from tests.crash.world import put
from tests.kafka.processes import LOYALTY, environment, running
from tests.kafka.test_poison import committed
from tests.samples import uid

WITHIN = 60.0
FIRST_PORT = 22_100


def test_what_waited_and_what_was_given_up_arrives_in_order_once_the_endpoint_is_mended(
    settings: Settings,
) -> None:
    cluster = connection(settings, settings.bootstrap_servers or "")
    create_topics(cluster, settings)
    log = settings.home / "received.log"
    with ExitStack() as programs:
        good = listening(programs, settings, "--log", str(log))
        gone, absent = (listening(programs, settings, "--status", code) for code in ("410", "404"))
        first = replace(FIRST, url=f"{gone}/hook")
        second = replace(SECOND, url=f"{absent}/hook", retry_waits=(1, 1))
        subscribe(cluster, first, second)
        programs.enter_context(running(settings, "sink"))
        append(cluster, delivery(1), delivery(2), delivery(3, to=second.subscription_id))
        until(lambda: committed(cluster, ENDPOINT_STATUS, settings))
        until(lambda: committed(cluster, DEAD_LETTERS, settings))

        subscribe(
            cluster,
            replace(first, url=f"{good}/hook", state_since=datetime.now(UTC)),
            replace(second, url=f"{good}/hook"),
        )
        until(lambda: len(arrived(log)) == 2)
        redriven = subprocess.run(
            [LOYALTY, "dead-letters", "redrive"], env=environment(settings), capture_output=True, check=True
        )
        until(lambda: len(arrived(log)) == 3)

    assert arrived(log) == [uid(1), uid(2), uid(3)]
    assert redriven.stdout.endswith(b"1 records re-driven\n")
    assert states(cluster, settings) == ["disabled", "working"]


def listening(programs: ExitStack, settings: Settings, *options: str) -> str:
    """A receiver's address."""
    port = ports.first_free(FIRST_PORT)
    programs.enter_context(running(settings, "receiver", "--print", "none", "--port", str(port), *options))
    return f"http://127.0.0.1:{port}"


def subscribe(cluster: Connection, *subscriptions: Subscription) -> None:
    put(cluster, SUBSCRIPTIONS, {one.subscription_id: encode(one) for one in subscriptions})


def append(cluster: Connection, *deliveries: Delivery) -> None:
    producer = Producer(cluster.producer())
    for one in deliveries:
        value, header = encode(one)
        name = cluster.topic(DELIVERIES)
        producer.produce(name, value, one.subscription_id, headers={HEADER: header})
    assert producer.flush(WITHIN) == 0


def until(there: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN
    while not there():
        assert time.monotonic() < deadline, "it did not happen"
        # Neither a topic's end nor a file tells that it has grown.
        time.sleep(0.1)


def arrived(log: Path) -> list[str | None]:
    return [line.message_id for line in lines(log)] if log.exists() else []


def states(cluster: Connection, settings: Settings) -> list[str]:
    records = committed(cluster, ENDPOINT_STATUS, settings)
    return [decode(EndpointStatus, r.value, r.schema).state for r in records if r.value]

"""Webhook events read again and appended as deliveries: how fast, of all of them and of one in a hundred."""

from collections.abc import Callable, Iterator

from confluent_kafka import Producer
from msgspec.structs import replace

from streams.codec.avro import HEADER, encode
from streams.kafka.clients import Connection
from streams.stages.commands import owner_of
from streams.topics import WEBHOOK_EVENTS
from streams.webhooks.events import WebhookEvent
from tests.bench.figures import Figure, rate
from tests.bench.place import Place, measured
from tests.bench.replayed import FREQUENT, RARE
from tests.driver import Pipeline
from tests.samples import NOON, SETTINGS, add, register, uid

ONE_IN = 100
READ = "reading alone"


def replays(place: Place, events: int, say: Callable[[str], None]) -> Iterator[Figure]:
    say("replay: webhook events to read")
    append(place.connection, events)
    least = measured(place.job("log"))
    for hop, name, aim in ((0, "all matching", 8_000), (1, "1% matching", 25_000)):
        say(f"replay: {name}")
        run = measured(place.job("replay", hop=hop, total=events))
        yield rate(f"replay, {name}", "webhook events/s", run, least, READ, aim=aim)


def append(connection: Connection, events: int) -> None:
    """As the loyalty stage writes them; one in a hundred is of the rare kind."""
    frequent, rare = _samples()
    producer = Producer(connection.producer(**{"linger.ms": 50, "queue.buffering.max.messages": 1_000_000}))
    name = connection.topic(WEBHOOK_EVENTS)
    for number in range(events):
        event = rare if number % ONE_IN == 0 else frequent
        ids = {"webhook_event_id": uid(number), "member_id": uid(number % 10_000)}
        value, header = encode(replace(event, **ids))
        producer.produce(name, value, owner_of(event.store, ids["member_id"]), headers={HEADER: header})
        producer.poll(0)
    if producer.flush(120):
        raise TimeoutError("the webhook events were not all written")


def _samples() -> tuple[WebhookEvent, WebhookEvent]:
    run = Pipeline(SETTINGS, now=NOON)
    run.when(register(), add("5"))
    return run.webhook_events(FREQUENT)[0], run.webhook_events(RARE)[0]

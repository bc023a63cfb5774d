"""The programs that are measured where webhooks go out: the sink, and what could be done at most."""

import asyncio
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_network

from confluent_kafka import Consumer, Message

from connectors.http.app import open_sink as sink_app
from connectors.http.attempt import SinkPorts
from connectors.http.sender import HttpSender
from connectors.http.sink import SinkStage
from streams.codec.avro import decode
from streams.delivery.records import Delivery
from streams.kafka.clients import Connection
from streams.kafka.records import record_of
from streams.runtime.worker import run
from streams.settings import Settings
from streams.stages.context import Record, StageContext
from streams.tables.tables import Tables
from streams.topics import ATTEMPTS, DELIVERIES
from tests.bench.figures import Run

AT_ONCE, TIMEOUT = 100, 10.0
HERE = (ip_network("127.0.0.0/8"),)
_HEADERS = {"Content-Type": "application/json", "User-Agent": "bench"}
_BODY = b'{"customer": {"customerId": "00000000-0000-0000-0000-000000000000"}, "amount": 12.5}'


async def http(url: str, total: int) -> Run:
    """The sink's HTTP client alone, a hundred requests at once."""
    sender = HttpSender(timeout=TIMEOUT, allowed=HERE)
    left = total

    async def send() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            answer = await sender.send(url, _HEADERS, _BODY)
            assert answer.status == 200, answer

    await sender.send(url, _HEADERS, _BODY)
    begun, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(send() for _ in range(AT_ONCE)))
    result = Run(total, time.perf_counter() - begun, time.process_time() - used)
    await sender.aclose()
    return result


async def post(connection: Connection, url: str, over: Callable[[], bool], ready: Callable[[], None]) -> None:
    """Consumes and POSTs all that comes, and keeps no promise."""
    sender = HttpSender(timeout=TIMEOUT, allowed=HERE)
    consumer = Consumer(connection.consumer(**{"group.id": "bench-post"}))
    consumer.subscribe([connection.topic(DELIVERIES)], on_assign=lambda *_: ready())
    under_way: set[asyncio.Task[object]] = set()
    while not over():
        for message in await asyncio.to_thread(_some, consumer):
            record = record_of(message, DELIVERIES.name)
            delivery = decode(Delivery, record.value, record.schema)
            task = asyncio.create_task(sender.send(url, _HEADERS, delivery.data.encode()))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)
    consumer.close()
    await sender.aclose()


def _some(consumer: Consumer) -> list[Message]:
    first = consumer.poll(0.1)
    found = [] if first is None else [first, *consumer.consume(999, 0)]
    return [message for message in found if message.error() is None]


class Counted(SinkStage):
    """The sink's stage; says when it has its partitions, and counts the attempts that it settles."""

    def __init__(self, outside: SinkPorts, partitions: int, ready: Callable[[], None]) -> None:
        super().__init__(outside)
        self.attempts = 0
        self._ready = ready
        self._missing = partitions

    def assigned(self, partition: int, tables: Tables) -> None:
        super().assigned(partition, tables)
        self._missing -= 1
        if self._missing == 0:
            self._ready()

    def play(self, turn: StageContext, records: Sequence[Record], budget: int) -> int:
        handled = super().play(turn, records, budget)
        self.attempts += sum(output.topic is ATTEMPTS for output in turn.outputs)
        return handled


async def sink(settings: Settings, connection: Connection, partitions: int, ready: Callable[[], None]) -> Run:
    """The real sink until it is told to end; what it used from its start on."""
    made: list[Counted] = []

    def counted(outside: SinkPorts) -> Counted:
        made.append(Counted(outside, partitions, ready))
        return made[0]

    begun, used = time.perf_counter(), time.process_time()
    with sink_app(settings, connection, counted) as app:
        await run(app, lambda: None)
    return Run(made[0].attempts, time.perf_counter() - begun, time.process_time() - used)

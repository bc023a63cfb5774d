"""From a command's append to its webhook's POST, every stage a process of its own, 100 commands a second."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles

import msgspec
from confluent_kafka import Consumer, Producer, TopicPartition

from connectors.http.receiver import LogLine
from streams.codec.avro import encode
from streams.local_broker import ports
from streams.topics import SETTINGS as STORES
from streams.topics import SUBSCRIPTIONS, Topic
from tests.bench import load
from tests.bench.figures import Figure
from tests.bench.place import Place, working
from tests.bench.program import HOPS
from tests.crash.world import put
from tests.kafka.processes import running
from tests.samples import SETTINGS, STORE, subscription, uid

A_SECOND = 100
MEMBERS = 200
WARM_UP = 2 * A_SECOND
WITHIN = 60.0
FIRST_PORT = 23_000
Times = dict[str, list[float]]
"""By member, in order: each member's commands are told of in the order in which they came."""


def latency(place: Place, floor: Place, seconds: int, say: Callable[[str], None]) -> Iterator[Figure]:
    say("floor: three transactional hops")
    least = percentiles(*_hops(floor, seconds))
    say(f"end to end, {A_SECOND} commands/s")
    found = percentiles(*_end_to_end(place, seconds))
    for which, value, bare, aim in zip(("p50", "p99"), found, least, (60.0, 150.0), strict=True):
        yield Figure(f"append to POST, {which}", value, "ms", bare, "three bare hops", aim)


def _end_to_end(place: Place, seconds: int) -> tuple[Times, Times]:
    log, port = place.settings.home / "received.log", ports.first_free(FIRST_PORT)
    hook = msgspec.structs.replace(
        subscription("AvailablePointsAmountChanged"), url=f"http://127.0.0.1:{port}/hook"
    )
    put(place.connection, STORES, {STORE: encode(SETTINGS)})
    put(place.connection, SUBSCRIPTIONS, {hook.subscription_id: encode(hook)})
    with ExitStack() as programs:
        receiver = ("receiver", "--print", "none", "--port", str(port), "--log", str(log))
        for command in (receiver, ("worker",), ("sink",)):
            programs.enter_context(running(place.settings, *command))
        register(place)
        sent = send(place, seconds)
        return sent, awaited(lambda: _posts(log), sent)


def register(place: Place) -> None:
    """The members that commands are sent for."""
    now = datetime.now(UTC)
    load.append(place.connection, (load.register(number, now) for number in range(MEMBERS)))


def send(place: Place, seconds: int) -> Times:
    """At an even pace, whatever becomes of the commands."""
    producer = Producer(place.connection.producer(**{"linger.ms": 0}))
    sent: Times = defaultdict(list)
    begun = time.time()
    for number in range(WARM_UP + seconds * A_SECOND):
        time.sleep(max(0.0, begun + number / A_SECOND - time.time()))
        member = number % MEMBERS
        command = load.add(member, 1_000_000 + number, datetime.now(UTC), "1.5")
        sent[uid(member)].append(time.time())
        load.produce(producer, place.connection, command)
        producer.poll(0)
    assert producer.flush(WITHIN) == 0
    return sent


def awaited(arrived: Callable[[], Times], sent: Times) -> Times:
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        found = arrived()
        if all(len(found[member]) == len(times) for member, times in sent.items()):
            return found
        # Nobody tells when a file has grown or a topic has ended.
        time.sleep(0.2)
    raise TimeoutError("not every command was told of")


def _posts(log: Path) -> Times:
    found: Times = defaultdict(list)
    for line in log.read_bytes().splitlines() if log.exists() else ():
        post = msgspec.json.decode(line, type=LogLine)
        found[post.customer_id or ""].append(post.received_at.timestamp())
    return found


def _hops(place: Place, seconds: int) -> tuple[Times, Times]:
    with ExitStack() as programs:
        for hop in range(len(HOPS)):
            programs.enter_context(working(place.job("hop", hop=hop)))
        last = programs.enter_context(listening(HOPS[-1], place))
        sent = send(place, seconds)
        return sent, awaited(lambda: last, sent)


@contextmanager
def listening(topic: Topic, place: Place) -> Iterator[Times]:
    """When records arrive at the end of the topic, committed; in a thread, for the sender keeps its pace."""
    found: Times = defaultdict(list)
    over = threading.Event()
    consumer = Consumer(place.connection.consumer(**{"group.id": "bench-last"}))
    name = place.connection.topic(topic)
    consumer.assign([TopicPartition(name, p, 0) for p in range(place.settings.partitions)])

    def listen() -> None:
        while not over.is_set():
            message = consumer.poll(0.1)
            if message is not None and message.error() is None:
                found[(message.key() or b"").decode().partition("/")[2]].append(time.time())

    thread = threading.Thread(target=listen, name="end of the hops")
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
        consumer.close()


def percentiles(sent: Times, came: Times) -> tuple[float, float]:
    """p50 and p99 in milliseconds, without the warm-up: the first commands of each member."""
    skip = WARM_UP // MEMBERS
    took = [
        (end - start) * 1000
        for member, starts in sent.items()
        for start, end in list(zip(starts, came[member], strict=True))[skip:]
    ]
    cuts = quantiles(took, n=100)
    return cuts[49], cuts[98]

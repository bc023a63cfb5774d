"""The sink alone: deliveries a second to an endpoint on this machine, and the time to its POST."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles

from confluent_kafka import Producer
from msgspec.structs import replace

from streams.codec.avro import HEADER, encode
from streams.delivery.records import Delivery, Subscription
from streams.topics import DELIVERIES, SUBSCRIPTIONS
from tests.bench.figures import Figure, Run, rate
from tests.bench.place import Place, measured, working
from tests.bench.program import Role
from tests.crash.world import put
from tests.samples import STORE, subscription, uid

A_SECOND, SLOW, HEALTHY_A_SECOND = 200, 600, 50
SUBSCRIBED = 20
WITHIN = 120.0
HTTP_ALONE, PLAIN = "HTTP client alone", "plain consumer that POSTs"
BODY = '{"customer": {"customerId": "%s", "email": "member@example.com"}, "amount": 12.5, "sent": %f}'


@dataclass(frozen=True, slots=True)
class Came:
    """A POST: which path, when its delivery was appended, and when it came."""

    path: str
    sent: float
    at: float


def sink_rates(place: Place, deliveries: int, say: Callable[[str], None]) -> Iterator[Figure]:
    say("sink: the HTTP client alone")
    with endpoint(place) as (url, _):
        floor = measured(place.job("http", total=deliveries, url=f"{url}/0"))
    say("sink: deliveries/s")
    one = _throughput(place, 1, deliveries, 1)
    say("sink: deliveries/s of two")
    two = _throughput(place, 2, deliveries, 2)
    yield rate("sink", "deliveries/s", one, floor, HTTP_ALONE, aim=2_500)
    yield rate("two sinks", "deliveries/s", two, one, "one sink")


def sink_times(place: Place, seconds: int, say: Callable[[str], None]) -> Iterator[Figure]:
    say("sink: a plain consumer that POSTs")
    least = _percentiles(_paced(place, "post", 1, seconds))
    say(f"sink: {A_SECOND} deliveries/s")
    found = _percentiles(_paced(place, "sink", 2, seconds))
    say("sink: beside an endpoint that takes 4 s")
    beside = _percentiles(_beside_a_slow_one(place, 3, seconds))
    for which, value, bare, aim in zip(("p50", "p99"), found, least, (15.0, 60.0), strict=True):
        yield Figure(f"delivery to POST, {which}", value, "ms", bare, PLAIN, aim)
    yield Figure("beside a slow endpoint, p99", beside[1], "ms", least[1], PLAIN, 250.0)


def _throughput(place: Place, series: int, deliveries: int, processes: int) -> Run:
    with endpoint(place) as (url, came):
        hooks = _subscribed(place, series, url)
        with ExitStack() as programs:
            jobs = [place.job("sink", total=deliveries, hop=number) for number in range(processes)]
            sinks = [programs.enter_context(working(job)) for job in jobs]
            append(place, (delivery(n, hooks[n % len(hooks)]) for n in range(deliveries)))
            _await(came, deliveries)
        times = sorted(one.at for one in came())
    # The beginning is the warm-up: connections are made in it.
    late = times[len(times) // 5 :]
    runs = [sink.run for sink in sinks if sink.run]
    cpu = sum(run.cpu for run in runs) / sum(run.records for run in runs) * len(late)
    return Run(len(late), late[-1] - late[0], cpu)


def _paced(place: Place, role: Role, series: int, seconds: int) -> list[Came]:
    """At an even pace; without the first second."""
    with endpoint(place) as (url, came):
        hooks = _subscribed(place, series, url)
        count = (1 + seconds) * A_SECOND
        with working(place.job(role, url=f"{url}/0")):
            _send_paced(place, ((n, hooks[n % len(hooks)]) for n in range(count)), A_SECOND)
            _await(came, count)
        return sorted(came(), key=lambda one: one.sent)[A_SECOND:]


def _beside_a_slow_one(place: Place, series: int, seconds: int) -> list[Came]:
    """600 for an endpoint that answers after 4 s, then 50 a second for one that answers at once."""
    with endpoint(place) as (url, came):
        slow, *_ = _subscribed(place, series, url, "/4000")
        healthy, *_ = _subscribed(place, series + 1000, url)
        count = (1 + seconds) * HEALTHY_A_SECOND
        with working(place.job("sink")):
            append(place, (delivery(1_000_000 + n, slow) for n in range(SLOW)))
            _send_paced(place, ((n, healthy) for n in range(count)), HEALTHY_A_SECOND)
            _await(came, count, "/0")
            # What is left of the slow one's is nobody's any more.
            put(place.connection, SUBSCRIPTIONS, {slow.subscription_id: (None, "")})
        fast = [one for one in came() if one.path == "/0"]
        return sorted(fast, key=lambda one: one.sent)[HEALTHY_A_SECOND:]


def _send_paced(place: Place, numbered: Iterator[tuple[int, Subscription]], a_second: int) -> None:
    producer, begun = Producer(place.connection.producer(**{"linger.ms": 0})), time.time()
    for n, hook in numbered:
        time.sleep(max(0.0, begun + n / a_second - time.time()))
        _produce(producer, place, delivery(n, hook))
        producer.poll(0)
    assert producer.flush(WITHIN) == 0


def append(place: Place, deliveries: Iterator[Delivery]) -> None:
    """All are in the log when it returns."""
    more = {"linger.ms": 50, "queue.buffering.max.messages": 10_000_000}
    producer = Producer(place.connection.producer(**more))
    for one in deliveries:
        _produce(producer, place, one)
        producer.poll(0)
    assert producer.flush(WITHIN) == 0


def _produce(producer: Producer, place: Place, one: Delivery) -> None:
    value, header = encode(one)
    producer.produce(
        place.connection.topic(DELIVERIES), value, one.subscription_id, headers=[(HEADER, header)]
    )


def delivery(number: int, hook: Subscription) -> Delivery:
    """Each of a member of its own, appended now."""
    return Delivery(
        delivery_id=uid(number),
        subscription_id=hook.subscription_id,
        webhook_event_id=uid(5_000_000 + number),
        event_name=hook.event_name,
        store=STORE,
        member_id=uid(number),
        created_at=datetime.now(UTC),
        legacy=False,
        data=BODY % (uid(number), time.time()),
    )


def _subscribed(place: Place, series: int, url: str, path: str = "/0") -> list[Subscription]:
    """Some of the same event; those of another series are others."""
    numbers = range(series * 100, series * 100 + SUBSCRIBED)
    event = "AvailablePointsAmountChanged"
    hooks = [replace(subscription(event, number=500_000 + n), url=url + path) for n in numbers]
    put(place.connection, SUBSCRIPTIONS, {hook.subscription_id: encode(hook) for hook in hooks})
    return hooks


def _await(came: Callable[[], list[Came]], count: int, path: str | None = None) -> None:
    deadline = time.monotonic() + WITHIN
    while sum(path in (None, one.path) for one in came()) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(came())} of {count} deliveries came in {WITHIN:g} s")
        # A file tells nobody that it has grown.
        time.sleep(0.2)


def _percentiles(came: list[Came]) -> tuple[float, float]:
    cuts = quantiles([(one.at - one.sent) * 1000 for one in came], n=100)
    return cuts[49], cuts[98]


@contextmanager
def endpoint(place: Place) -> Iterator[tuple[str, Callable[[], list[Came]]]]:
    """Its address, and what has come so far."""
    notes = place.settings.home / "came.txt"
    command = [sys.executable, "-m", "tests.bench.endpoint", str(notes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            yield f"http://127.0.0.1:{port}", lambda: _noted(notes)
        finally:
            process.terminate()


def _noted(notes: Path) -> list[Came]:
    lines = notes.read_text().split("\n")[:-1]
    return [Came(path, float(sent), float(at)) for path, sent, at in (line.split() for line in lines)]

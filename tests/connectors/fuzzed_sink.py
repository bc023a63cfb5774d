"""The sink against endpoints that answer anything, with a healthy one beside them."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from itertools import islice
from typing import Any

from msgspec.structs import replace

from connectors.http.sender import Answer, HttpSender
from streams.codec.avro import decode, encode
from streams.delivery.records import Attempt, Subscription
from tests.connectors.any_answers import endpoint_of_any_answers
from tests.connectors.fakes import Sent, answered
from tests.connectors.servers import served
from tests.connectors.sink_driver import FIRST, SECOND, Sink, delivery
from tests.samples import NOON, uid

TIMEOUT = 1.0
AT_ONCE = 20
OF_ONE_SINK = 1000
HEALTHY_EVERY = 0.02
MOST_TOGETHER = 200
"""Deliveries that arrive in one turn, where the machine has kept the sink waiting."""
_HEALTHY_FROM, _HOSTILE_FROM = 50_000_000, 10_000_000


@dataclass(slots=True)
class Found:
    """`outcomes` counts attempts by status or error, `unhandled` is what asyncio was left with."""

    attempts: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    healthy_sent: int = 0
    healthy_delivered: int = 0
    waits: list[float] = field(default_factory=list)
    """Seconds from when a healthy delivery was to come to the sink to when its request came."""
    unhandled: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def p99(self) -> float:
        return sorted(self.waits)[int(len(self.waits) * 0.99)] if self.waits else 0.0


class Fuzz:
    """Deliveries each to a subscription of its own: no breaker and no 410 keeps one from being sent."""

    def __init__(self, sender: HttpSender, hostile: str, healthy: str) -> None:
        self.found = Found()
        self._sender = sender
        self._hostile = hostile
        self._healthy = replace(SECOND, url=healthy, unordered=True, concurrency=50, retry_waits=(1,) * 20)
        self._arrived: dict[str, float] = {}

    async def healthy_endpoint(self, sent: Sent) -> Answer:
        message = sent.body.split(b'"messageId":"')[1][:36].decode()
        # A busy machine may take longer than the timeout for a request: it comes again, and counts once.
        if due := self._arrived.pop(message, None):
            self.found.waits.append(time.perf_counter() - due)
        return answered()

    async def run(self, numbers: range) -> None:
        """Returns once every one of them has been attempted, and recorded."""
        sink = Sink(
            self._sender,
            breaker_failures=10**9,
            max_breaker_wait=timedelta(0),
            disable_after=None,
            settle_after=timedelta(0),
        )
        sink.subscriptions.put(self._healthy)
        begun = time.perf_counter()
        left, open_ids, next_healthy = (_HOSTILE_FROM + n for n in numbers), set[str](), begun
        exhausted = False
        while not exhausted or open_ids:
            room = max(0, AT_ONCE - len(open_ids))
            fresh = list(self._taken(left, sink, room))
            exhausted = len(fresh) < room
            now = time.perf_counter()
            sink.now = NOON + timedelta(seconds=now - begun)
            while next_healthy <= now and not exhausted and len(fresh) < MOST_TOGETHER:
                # Its time is when it was due to arrive: a sink that is late with that is late.
                fresh.append(self._one_healthy(next_healthy))
                next_healthy += HEALTHY_EVERY
            open_ids |= {one.delivery_id for one in fresh}
            sink.arrive(*fresh)
            await sink.begin()
            open_ids -= self._read(sink)
            await asyncio.sleep(0.001)

    def _taken(self, left: Iterator[int], sink: Sink, most: int) -> Iterator[Any]:
        for number in islice(left, most):
            subscription = _subscription(number, self._hostile)
            sink.subscriptions.put(subscription)
            yield delivery(number, uid(number), subscription.subscription_id)

    def _one_healthy(self, now: float) -> Any:
        number = _HEALTHY_FROM + self.found.healthy_sent
        self.found.healthy_sent += 1
        self._arrived[uid(number)] = now
        return delivery(number, uid(number), self._healthy.subscription_id)

    def _read(self, sink: Sink) -> set[str]:
        """Deliveries that are done with; each attempt is read back as it would be from its topic."""
        attempts = [value for value in sink.written if isinstance(value, Attempt)]
        sink.written.clear()
        sink.outputs.clear()
        for attempt in attempts:
            assert decode(Attempt, *encode(attempt)) == attempt
            if attempt.subscription_id == self._healthy.subscription_id:
                self.found.healthy_delivered += attempt.outcome == "delivered"
            else:
                self.found.attempts += 1
                said = attempt.status or (attempt.error or "").partition(":")[2] or attempt.error
                self.found.outcomes[f"{said} {attempt.outcome}"] += 1
        healthy = self._healthy.subscription_id
        return {
            attempt.delivery_id
            for attempt in attempts
            if attempt.subscription_id != healthy or attempt.outcome == "delivered"
        }


def _subscription(number: int, url: str) -> Subscription:
    # Its second attempt is not awaited.
    return replace(FIRST, subscription_id=uid(number), url=url, retry_waits=(86_400,))


async def fuzz(numbers: range, seed: int = 1) -> Found:
    """Each number is one answer; the same seed and number make the same one."""
    loop, unhandled = asyncio.get_running_loop(), list[str]()
    loop.set_exception_handler(lambda _, context: unhandled.append(str(context)))
    sender = HttpSender(timeout=TIMEOUT, allowed=(ip_network("127.0.0.1/32"),))
    begun = time.perf_counter()
    holder: list[Fuzz] = []

    async def healthy_endpoint(sent: Sent) -> Answer:
        return await holder[0].healthy_endpoint(sent)

    async with (
        endpoint_of_any_answers(seed) as hostile,
        served(healthy_endpoint) as healthy,
        aclosing(sender),
    ):
        holder.append(Fuzz(sender, hostile.url, healthy))
        for start in range(numbers.start, numbers.stop, OF_ONE_SINK):
            await holder[0].run(range(start, min(start + OF_ONE_SINK, numbers.stop)))
    found = holder[0].found
    found.unhandled, found.seconds = unhandled, time.perf_counter() - begun
    return found

"""The REST door under a closed loop of clients: lists, and commands from the request to their outcome."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from statistics import quantiles
from typing import Any

import aiohttp
from msgspec.structs import replace

from api.auth.authentication import new_key
from streams.codec.avro import encode
from streams.local_broker.ports import any_free
from streams.topics import SETTINGS as STORES
from streams.topics import SUBSCRIPTIONS
from tests.bench.figures import Figure
from tests.bench.place import Place
from tests.crash.world import put
from tests.kafka.processes import running
from tests.samples import SETTINGS, STORE, subscription, uid

CLIENTS = 32
"""That ask again as soon as they are answered."""
MEMBERS = 64
WAITERS = 8
"""Fewer than there are clients: what an overloaded process has room for."""
HEALTH = "the door alone: GET /health"
Ask = Callable[[aiohttp.ClientSession], Awaitable[int]]


@dataclass(slots=True)
class Load:
    """What came of a closed loop."""

    seconds: float
    statuses: Counter[int] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    """Seconds, of each answer."""

    @property
    def rate(self) -> float:
        return sum(self.statuses.values()) / self.seconds

    @property
    def p99(self) -> float:
        """Milliseconds."""
        return quantiles(self.times, n=100)[-1] * 1000

    def only(self, *expected: int) -> "Load":
        """Itself, with no other status among its answers."""
        if not set(self.statuses) <= set(expected):
            raise RuntimeError(f"answered {dict(self.statuses)}, where {expected} belong")
        return self


def rest(
    place: Place, crowded: Place, subscriptions: int, seconds: int, say: Callable[[str], None]
) -> Iterator[Figure]:
    """Of one worker and one API process; `crowded` has room for few commands."""
    put(place.connection, SUBSCRIPTIONS, dict(_subscriptions(subscriptions)))
    say("requests that ask for nothing")
    with _door(place) as (address, token):
        floor = _loop(address, token, seconds, _get("/health"))
        say(f"lists of {subscriptions:,} subscriptions")
        listed = _loop(address, token, seconds, _get(f"/api/{STORE}/webhook/subscription")).only(200)
        say("spends over HTTP")
        _open_accounts(address, token)
        spent = _loop(address, token, seconds, _spend()).only(200)
    yield Figure("subscription list", listed.rate, "requests/s", floor.rate, HEALTH)
    yield Figure("subscription list, p99", listed.p99, "ms", floor.p99, HEALTH)
    yield Figure("spend over HTTP", spent.rate, "requests/s", floor.rate, HEALTH)
    yield Figure("spend over HTTP, p99", spent.p99, "ms", floor.p99, HEALTH)
    say("spends over HTTP, more than there is room for")
    with _door(crowded, LOYALTY_COMMAND_WAITERS=str(WAITERS)) as (address, token):
        _open_accounts(address, token, clients=WAITERS)
        crowd = _loop(address, token, seconds, _spend()).only(200, 429)
    yield Figure("overload, answered", crowd.rate, "requests/s", spent.rate, "spend over HTTP")


def _subscriptions(number: int) -> Iterator[tuple[str, tuple[bytes, str]]]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for each in range(number):
        made = replace(
            subscription("CustomerUpdated", number=each), created_at=start + timedelta(seconds=each)
        )
        yield made.subscription_id, encode(made)


@contextmanager
def _door(place: Place, **more: str) -> Iterator[tuple[str, str]]:
    """The address of an API process, and a key to it."""
    put(place.connection, STORES, {STORE: encode(SETTINGS)})
    (token, digest), port = new_key(), any_free()
    keys = {"LOYALTY_API_KEY_HASHES": digest, "LOYALTY_API_PORT": str(port)} | more
    with running(place.settings, "worker"), running(place.settings, "api", **keys):
        yield f"http://127.0.0.1:{port}", token


def _loop(address: str, token: str, seconds: int, ask: Ask, clients: int = CLIENTS) -> Load:
    """For `seconds`, after a tenth as long to warm up."""

    async def run(duration: float) -> Load:
        connector = aiohttp.TCPConnector(limit=clients)
        headers = {"X-AUTH-TOKEN": token}
        async with aiohttp.ClientSession(address, connector=connector, headers=headers) as session:
            load, until = Load(duration), time.perf_counter() + duration

            async def client() -> None:
                while (began := time.perf_counter()) < until:
                    load.statuses[await ask(session)] += 1
                    load.times.append(time.perf_counter() - began)

            await asyncio.gather(*(client() for _ in range(clients)))
        return load

    asyncio.run(run(seconds / 10))
    return asyncio.run(run(seconds))


def _get(path: str) -> Ask:
    async def ask(session: aiohttp.ClientSession) -> int:
        async with session.get(path) as answer:
            await answer.read()
            return answer.status

    return ask


def _post(path: str, body: Callable[[], Any]) -> Ask:
    async def ask(session: aiohttp.ClientSession) -> int:
        async with session.post(path, json=body()) as answer:
            await answer.read()
            return answer.status

    return ask


def _spend() -> Ask:
    members = count()
    phones = [f"phone=+{48_600_000_000 + number}" for number in range(MEMBERS)]

    def body() -> Any:
        return {"transfer": {"customer": phones[next(members) % MEMBERS], "points": 0.01}}

    return _post(f"/api/{STORE}/points/spend", body)


def _open_accounts(address: str, token: str, clients: int = CLIENTS) -> None:
    """Members with units, made as any client makes them."""

    async def one(session: aiohttp.ClientSession, room: asyncio.Semaphore, number: int) -> None:
        phone = f"+{48_600_000_000 + number}"
        opening = {"customer": {"phone": phone, "referralToken": uid(number)}}
        giving = {"transfer": {"customer": f"phone={phone}", "points": 1_000_000}}
        async with room:
            for path, body in (("member", opening), ("points/add", giving)):
                status = await _post(f"/api/{STORE}/{path}", lambda body=body: body)(session)  # type: ignore[misc]
                if status != 200:
                    raise RuntimeError(f"{path} was answered {status}")

    async def run() -> None:
        headers = {"X-AUTH-TOKEN": token}
        async with aiohttp.ClientSession(address, headers=headers) as session:
            room = asyncio.Semaphore(clients)
            await asyncio.gather(*(one(session, room, number) for number in range(MEMBERS)))

    asyncio.run(run())

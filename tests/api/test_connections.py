"""Whoever sends nothing, or slowly, or without end keeps no place for long, and takes none from others."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from api.process.connection_limits import HEADERS_TIMEOUT, MAX_CONNECTIONS, MAX_HEADER_BYTES, BoundedProtocol
from api.rest.body_limit import BodyLimit
from tests.api.conftest import KEY, PATH, Door

PATIENCE = 30.0


class Hasty(BoundedProtocol):
    within = 0.5


class Narrow(BoundedProtocol):
    most = 5


@asynccontextmanager
async def serving(app: Any, protocol: type[BoundedProtocol]) -> AsyncIterator[int]:
    """The port of a server as `loyalty api` has it, but for the bounds."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        proxy_headers=False,
        lifespan="off",
        log_config=None,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
    )
    server = uvicorn.Server(config)
    server.capture_signals = _nothing  # type: ignore[method-assign, assignment]
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task
        listener.close()


class _nothing:  # noqa: N801 - stands for a function
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


async def connected(port: int, sent: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    return reader, writer


async def rest(wire: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> bytes:
    """What comes until the server ends the connection, which it does."""
    reader, writer = wire
    try:
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


GET = b"GET /health HTTP/1.1\r\nHost: api\r\n\r\n"


@pytest.mark.parametrize(
    "begun", [b"", b"G", b"GET /health HTTP/1.1\r\nHost: a", GET + b"GET /health HTTP/1.1\r\n"]
)
def test_a_connection_that_brings_no_whole_request_in_time_is_ended(door: Door, begun: bytes) -> None:
    async def half_open() -> list[bytes]:
        async with serving(door.app, Hasty) as port:
            connections = [await connected(port, begun) for _ in range(20)]
            return [await rest(each) for each in connections]

    answers = asyncio.run(half_open())

    assert {answer.count(b"200 OK") for answer in answers} == {1 if begun.startswith(GET) else 0}
    assert HEADERS_TIMEOUT == 10


def test_one_who_drips_headers_is_ended_too(door: Door) -> None:
    async def dripping() -> bytes:
        async with serving(door.app, Hasty) as port:
            wire = await connected(port, b"GET /health HTTP/1.1\r\n")
            ended = asyncio.create_task(rest(wire))
            while not (await asyncio.wait([ended], timeout=0.05))[0]:
                wire[1].write(b"X-Drip: 1\r\n")
            return ended.result()

    assert asyncio.run(dripping()) == b""


def test_who_waits_longest_for_a_request_makes_room_for_whoever_comes(door: Door) -> None:
    async def crowd() -> bytes:
        async with serving(door.app, Narrow) as port:
            idle = [asyncio.create_task(rest(await connected(port))) for _ in range(20)]
            answer = await rest(await connected(port, GET.replace(b"api", b"api\r\nConnection: close")))
            # All but those for whom there is room, and the one that this one took.
            ended = asyncio.as_completed(idle)
            for _ in range(15):
                assert await next(ended) == b""
            for each in idle:
                each.cancel()
            await asyncio.gather(*idle, return_exceptions=True)
            return answer

    answer = asyncio.run(asyncio.wait_for(crowd(), PATIENCE))

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert MAX_CONNECTIONS == 1000


def test_headers_without_end_are_refused(door: Door) -> None:
    async def endless() -> bytes:
        async with serving(door.app, BoundedProtocol) as port:
            sent = b"GET /health HTTP/1.1\r\nHost: api\r\nX-Long: " + b"x" * (2 * MAX_HEADER_BYTES)
            return await rest(await connected(port, sent))

    assert asyncio.run(endless()).startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))


def test_a_body_that_does_not_come_in_time_is_answered_408_and_the_connection_ended(door: Door) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nHost: api\r\nX-AUTH-TOKEN: {KEY}\r\nContent-Type: application/json\r\n"

    async def slow() -> bytes:
        app = BodyLimit(door.app, within=0.3)
        async with serving(app, BoundedProtocol) as port:
            sent = head.encode() + b"Content-Length: 100\r\n\r\n{"
            return await rest(await connected(port, sent))

    answer = asyncio.run(slow())

    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"code":408' in answer


def test_a_store_has_so_many_subscriptions_and_one_of_them_so_many_bytes_of_headers(door: Door) -> None:
    large = door.post(headers=[{"headerName": f"X-{n}", "headerValue": "x" * 4096} for n in range(5)])
    for _ in range(500):
        door.subscribed()

    full = door.post()

    assert full.status_code == 409
    assert "A store has at most 500 subscriptions" in full.text
    assert "The headers have 20,495 characters; all together at most 16,384." in large.text


@pytest.mark.parametrize(
    "path", ["/health", "/openapi.json", "/docs/webhooks", PATH, "/panel/login", "/nothing"]
)
def test_no_answer_is_taken_for_another_kind_or_framed(door: Door, path: str) -> None:
    headers = door.call("GET", path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] in {"no-referrer", "same-origin"}
    assert path not in {PATH, "/panel/login"} or headers["cache-control"] == "no-store"

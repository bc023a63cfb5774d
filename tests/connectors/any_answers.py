"""Answers of any bytes: random ones and real ones gone wrong, each made again from its id; and the
endpoint that gives them."""

import asyncio
import gzip
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.connectors.servers import Server, talking

_BODY = b'{"status": "received", "id": "4f3c"}'
REAL = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
    % (len(_BODY), _BODY),
    b"HTTP/1.1 204 No Content\r\nServer: nginx\r\nConnection: keep-alive\r\n\r\n",
    b"HTTP/1.1 202 Accept\xe9\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nContent-Type: text/html; charset=ISO-8859-1\r\n\r\n<p>re\xe7u</p>",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nX: 1\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nLocation: /1\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 301 Moved Permanently\r\nLocation: https://shop.example/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\nnot found",
    b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 503 Unavailable\r\nRetry-After: Fri, 01 Jan 2027 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s"
    % (len(gzip.compress(_BODY, mtime=0)), gzip.compress(_BODY, mtime=0)),
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x05hello",
    b"HTTP/1.1 500 Internal Server Error\r\nSet-Cookie: a=b; Path=/\r\nConnection: close\r\n\r\n"
    + b"x" * 9000,
)
_SPLINTERS = (
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\0", b" ", b"\t", b":", b"\xe9", b"\xff\xfe", b"\x1b[31m", b"%n",
    b"Retry-After: 99999999999999999999\r\n", b"Retry-After: -1\r\n", b"Retry-After: \xe9\r\n",
    b"Retry-After: Fri, 01 Jan 99999999999999999999 00:00:00 GMT\r\n", b"Retry-After: 1e999\r\n",
    b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: br\r\n", b"ffffffffffffffffff\r\n",
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/9.9 999 \r\n",
    b"X: " + b"y" * 9000 + b"\r\n", b"X: y\r\n" * 200,
)  # fmt: skip
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_MESSAGE = re.compile(rb'"messageId":"([0-9a-f-]{36})"')


def answer(seed: int, message_id: str) -> tuple[bytes, random.Random]:
    """Its bytes, and the chance by which they are sent."""
    chance = random.Random(f"{seed} {message_id}")  # noqa: S311 - to be had again
    if chance.random() < 0.15:
        return chance.randbytes(chance.choice((0, 1, 7, 40, 300, 5000))), chance
    made = bytearray(chance.choice(REAL))
    for _ in range(chance.choice((0, 1, 1, 2, 3, 8))):
        _spoil(made, chance)
    return bytes(made), chance


def _spoil(made: bytearray, chance: random.Random) -> None:
    # The head is where most can go wrong.
    at = chance.randrange(min(len(made), 120) + 1)
    to = min(len(made), at + chance.choice((1, 1, 2, 5, 30)))
    match chance.randrange(7):
        case 0:
            made[at:to] = chance.randbytes(to - at)
        case 1:
            made[at:at] = chance.choice(_SPLINTERS)
        case 2:
            del made[at:to]
        case 3:
            made[at:at] = made[at:to] * chance.choice((1, 3))
        case 4:
            del made[at:]
        case 5:
            made += chance.choice(REAL)
        case 6:
            made[at:at] = chance.randbytes(chance.randrange(20))


@asynccontextmanager
async def endpoint_of_any_answers(seed: int) -> AsyncIterator[Server]:
    """Answers each request by its message's id, in pieces; then hangs up, or waits for the next."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            message = _MESSAGE.search(body)
            assert message is not None
            said, chance = answer(seed, message[1].decode())
            cut = chance.randrange(len(said) + 1) if chance.random() < 0.3 else len(said)
            writer.write(said[:cut])
            if cut < len(said):
                await asyncio.sleep(0)
                writer.write(said[cut:])
            end = chance.random()
            if end < 0.05:
                writer.transport.abort()
            if end < 0.97:
                return

    async with talking(talk) as server:
        yield server

"""Whatever an endpoint says after its status line: the status is what counts."""

import asyncio
import gzip
from contextlib import aclosing

import pytest

from connectors.http.answer_reader import MAX_HEAD_BYTES
from connectors.http.sender import Answer
from tests.connectors.servers import talking
from tests.connectors.test_sender import OK, request, sender

pytestmark = pytest.mark.anyio

EMPTY = b"\r\nContent-Length: 0\r\n\r\n"
OBS_TEXT = bytes(range(0x80, 0x100))
BOMB = gzip.compress(b"x" * 4_000_000)


async def said(answer: bytes) -> Answer:
    """What is made of these bytes, sent at once and followed by nothing."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(answer)
        await writer.drain()
        writer.write_eof()
        await reader.read()

    async with talking(talk) as server, aclosing(sender()) as sending:
        return await sending.send(server.url, {}, b"{}")


@pytest.mark.parametrize("status", [202, 299, 302, 404, 410, 429, 503, 599, 600, 999])
@pytest.mark.parametrize(
    "phrase", [b"", b" ", b" Accept\xe9", b" " + OBS_TEXT, b" \x1b[31m\x00\t", b" " + b"a" * 20_000]
)
async def test_the_phrase_behind_a_status_is_of_any_bytes(status: int, phrase: bytes) -> None:
    answer = await said(b"HTTP/1.1 %d%s%s" % (status, phrase, EMPTY))

    assert (answer.status, answer.error, answer.phase) == (status, None, None)


@pytest.mark.parametrize(
    "head",
    [
        b"X-Shop: " + OBS_TEXT,
        b"Content-Type: text/html; charset=" + OBS_TEXT,
        b"no colon at all",
        b"A name: x",
        b"Name : x",
        b"N\xe4me: x",
        b": x",
        b"X: a\x00b",
        b"X: a\rb",
        b"X: a\r\n folded",
        b"X: " + b"y" * 100_000,
        b"\r\n".join([b"X: y"] * 500),
        b"Content-Length: 2\r\nContent-Length: 2",
        b"Content-Length: 2\r\nContent-Length: 3",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked",
        b"Content-Length: -2",
        b"Content-Length: two",
        b"Content-Length: " + b"9" * 40,
        b"Content-Length: 1",
        b"Content-Length: 99",
        b"Transfer-Encoding: nonsense",
        b"Transfer-Encoding: chunked",
        b"Content-Encoding: gzip",
        b"Content-Encoding: br\r\nContent-Length: 2",
        b"Content-Encoding: " + OBS_TEXT,
        b"Set-Cookie: \xe9=\x01;;;=",
        b"Sec-WebSocket-Key1: x",
        b"Connection: upgrade\r\nUpgrade: \xff",
    ],
)
@pytest.mark.parametrize("status", [200, 404])
async def test_what_follows_a_status_takes_nothing_from_it(status: int, head: bytes) -> None:
    answer = await said(b"HTTP/1.1 %d OK\r\n%s\r\n\r\n{}" % (status, head))

    assert (answer.status, answer.error) == (status, None)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\nhello", 200),
        (b"HTTP/1.1 202 Accepted\nContent-Length: 2\n\n{}", 202),
        (b"HTTP/1.2 200 OK" + EMPTY, 200),
        (b"HTTP/2 200" + EMPTY, 200),
        (b"HTTP/1.1  200  OK" + EMPTY, 200),
        (b"\r\n\r\nHTTP/1.1 200 OK" + EMPTY, 200),
        (b"HTTP/1.1 204 No Content\r\n\r\nhello", 204),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", 204),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created" + EMPTY, 201),
        (b"HTTP/1.1 103 \xe9\r\nLink: <>\r\n\r\n" * 3 + b"HTTP/1.1 404 \xe9\r\nno colon\r\n\r\n", 404),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc", 101),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nX: \xe9\r\n\r\n", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n{}\r\n", 200),
    ],
)
async def test_a_sloppy_answer_is_an_answer(answer: bytes, status: int) -> None:
    found = await said(answer)

    assert (found.status, found.error) == (status, None)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello world\r\n\r\n",
        b"HTTP/1.1 20 OK" + EMPTY,
        b"HTTP/1.1 2000 OK" + EMPTY,
        b"HTTP/1.1 OK" + EMPTY,
        b"HTTP/1.1 100 Continue\r\n\r\nnonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"\x15\x03\x01\x00\x02\x02(\x1b[2J\xe2\x80\xae",
        b"\x00" * 5000,
    ],
)
async def test_what_tells_no_status_is_a_failure_after_sending(answer: bytes) -> None:
    found = await said(answer)

    assert (found.status, found.phase) == (None, "after sending")
    assert found.error is not None
    assert found.error.isprintable(), "it is put on a screen"
    assert len(found.error) <= 255


async def test_a_compressed_body_is_not_unpacked() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB)
    answer = await said(head + BOMB)

    assert answer.status == 200
    assert len(answer.response) <= 4096
    assert answer.response == BOMB[:4096].decode(errors="replace")


@pytest.mark.parametrize("more", [b"HTTP/1.1 100 Continue\r\n\r\n", b"X: y\r\n"])
async def test_a_head_without_end_is_given_up(more: bytes) -> None:
    hung_up, came = asyncio.Event(), 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal came
        await request(reader)
        writer.write(b"HTTP/1.1 503 Oops\r\n" if more.startswith(b"X") else b"")
        try:
            while True:
                writer.write(more * 50)
                came += len(more) * 50
                await writer.drain()
        except ConnectionError:
            hung_up.set()

    async with talking(endless) as server, aclosing(sender()) as sending, asyncio.timeout(5):
        answer = await sending.send(server.url, {}, b"{}")
        await hung_up.wait()

    assert answer.status == (503 if more.startswith(b"X") else None)
    assert answer.duration_ms < 5000
    assert came >= MAX_HEAD_BYTES


async def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one() -> None:
    asked = 0

    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        while True:
            await request(reader)
            asked += 1
            writer.write(OK if asked == 1 else OK.replace(b"200 OK", b"500 No"))
            await writer.drain()
            if asked == 1:
                writer.write(OK)

    async with talking(twice) as server, aclosing(sender()) as sending:
        first = await sending.send(server.url, {}, b"{}")
        # Till the unasked one has come, or has been hung up on.
        await asyncio.sleep(0.05)
        second = await sending.send(server.url, {}, b"{}")

    assert (first.status, second.status) == (200, 500)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (b"Retry-After: 120", "120"),
        (b"retry-after:  7 ", "7"),
        (b"Retry-After: 10\r\nRetry-After: 20", None),
        (b"X: y", None),
    ],
)
async def test_a_retry_after_is_told_where_there_is_one(lines: bytes, told: str | None) -> None:
    answer = await said(b"HTTP/1.1 503 No\r\n%s%s" % (lines, EMPTY))

    assert (answer.status, answer.retry_after) == (503, told)


async def test_nobody_is_told_which_http_client_it_is() -> None:
    heads: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        await reader.readexactly(2)
        writer.write(OK)

    async with talking(talk) as server, aclosing(sender()) as sending:
        await sending.send(server.url, {}, b"{}")

    assert b"\r\nuser-agent: loyalty-webhooks/" in heads[0].lower()
    assert b"python" not in heads[0].lower()
    assert b"aiohttp" not in heads[0].lower()

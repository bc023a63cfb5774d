"""The real sender against endpoints that misbehave."""

import asyncio
import re
from contextlib import aclosing
from ipaddress import ip_network

import pytest
from aiohttp.abc import AbstractResolver

from connectors.http.sender import Answer, HttpSender
from tests.connectors.fakes import Sent, always, answered
from tests.connectors.servers import served, talking
from tests.connectors.test_guard import Names

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
SHORT = 0.2


def sender(
    timeout: float = 5.0, resolver: AbstractResolver | None = None, connections_per_host: int = 0
) -> HttpSender:
    allowed = (ip_network("127.0.0.1/32"),)
    return HttpSender(
        timeout=timeout, allowed=allowed, resolver=resolver, connections_per_host=connections_per_host
    )


async def request(reader: asyncio.StreamReader) -> None:
    """Reads one request, head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    await reader.readexactly(int(length[1]) if length else 0)


async def polite(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers every request on the connection."""
    while True:
        await request(reader)
        writer.write(OK)


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def test_an_endpoint_that_does_not_answer_is_cut_off_when_the_time_is_over() -> None:
    async with talking(silent) as server, aclosing(sender(SHORT)) as sending:
        answer = await sending.send(server.url, {}, b"{}")

    assert answer.error == "timed out after 0.2 s waiting for the answer"
    assert answer.phase == "after sending"
    assert 190 <= answer.duration_ms < 2000


async def test_a_body_that_drips_is_cut_off_and_its_status_stands() -> None:
    async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        # Each byte in time for any limit on a single read: only the whole attempt's limit ends it.
        while True:
            writer.write(b".")
            await asyncio.sleep(SHORT / 10)

    async with talking(drips) as server, aclosing(sender(SHORT)) as sending:
        answer = await sending.send(server.url, {}, b"{}")

    assert (answer.status, answer.error) == (200, None)
    assert set(answer.response) == {"."}
    assert 190 <= answer.duration_ms < 2000


async def test_a_name_server_that_does_not_answer_is_a_failure_before_sending() -> None:
    class Mute(Names):
        async def resolve(self, *_: object, **__: object) -> list[object]:  # type: ignore[override]
            return [await asyncio.Event().wait()]

    async with aclosing(sender(SHORT, Mute())) as sending:
        answer = await sending.send("http://hooks.example.com/", {}, b"{}")

    assert answer.error == "timed out after 0.2 s waiting for a connection"
    assert answer.phase == "before sending"


async def test_no_more_than_4_kib_of_a_body_are_read_and_the_connection_is_closed() -> None:
    hung_up = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(b"HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
                await writer.drain()
        except ConnectionError:
            hung_up.set()

    async with talking(endless) as server, aclosing(sender()) as sending, asyncio.timeout(5):
        answer = await sending.send(server.url, {}, b"{}")
        await hung_up.wait()

    assert (answer.status, answer.error) == (500, None)
    assert answer.response == "x" * 4096


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async def moved(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
        await request(reader)
        pytest.fail("a second request came")

    async with talking(moved) as server, aclosing(sender()) as sending:
        answer = await sending.send(server.url, {}, b"{}")

    assert answer.status == 307
    assert server.connections == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "localhost", "hooks.example.com"])
async def test_a_refused_address_is_never_connected_to(host: str) -> None:
    async with talking(polite) as server:
        guarded = HttpSender(timeout=5, resolver=Names(["127.0.0.1"]))
        async with aclosing(guarded):
            answer = await guarded.send(server.url.replace("127.0.0.1", host), {}, b"{}")

    assert str(answer.error).startswith("refused address: ")
    assert answer.phase == "before sending"
    assert server.connections == 0


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "①②⑦.0.0.1"])
async def test_an_address_in_disguise_is_never_connected_to_though_it_be_allowed(host: str) -> None:
    async with talking(polite) as server, aclosing(sender()) as sending:
        answer = await sending.send(server.url.replace("127.0.0.1", host), {}, b"{}")

    assert answer.phase == "before sending"
    assert server.connections == 0


async def test_a_name_that_turns_private_is_refused_on_the_next_connection() -> None:
    names = Names(["127.0.0.1"], ["10.0.0.1"])

    # Two ports are two connections, and so two lookups of the name.
    async with talking(polite) as one, talking(polite) as other, aclosing(sender(resolver=names)) as sending:
        first = await sending.send(one.url.replace("127.0.0.1", "hooks.example.com"), {}, b"{}")
        second = await sending.send(other.url.replace("127.0.0.1", "hooks.example.com"), {}, b"{}")

    assert first.status == 200
    assert second.error == (
        "refused address: hooks.example.com leads to an address that webhooks may not be sent to"
    )
    assert other.connections == 0


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("ftp://127.0.0.1/", "not a URL to send to"),
        ("nonsense", "not a URL to send to"),
        ("http://", "not a URL to send to"),
        ("http://127.0.0.1:99999/", "not a URL to send to"),
        ("http://hooks.example.com/", "could not resolve hooks.example.com: "),
    ],
)
async def test_a_url_that_leads_nowhere_is_a_failure_before_sending(url: str, error: str) -> None:
    async with aclosing(sender(resolver=Names([]))) as sending:
        answer = await sending.send(url, {}, b"{}")

    assert str(answer.error).startswith(error)
    assert answer.phase == "before sending"


async def test_an_endpoint_without_tls_cannot_be_sent_to_by_https() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()

    async with talking(plain) as server, aclosing(sender()) as sending:
        answer = await sending.send(server.url.replace("http:", "https:"), {}, b"{}")

    assert str(answer.error).startswith("no TLS connection to 127.0.0.1: ")
    assert answer.phase == "before sending"


async def test_an_endpoint_that_never_greets_is_given_up_at_the_shorter_connect_timeout() -> None:
    async with talking(silent) as server, aclosing(sender(SHORT)) as sending:
        answer = await sending.send(server.url.replace("http:", "https:"), {}, b"{}")

    assert (answer.error, answer.phase) == ("could not connect: timed out", "before sending")


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-", b"SSH-2.0-OpenSSH\r\n\r\n"])
async def test_a_connection_that_ends_without_an_answer_is_a_failure_after_sending(said: bytes) -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(said)

    async with talking(rude) as server, aclosing(sender()) as sending:
        answer = await sending.send(server.url, {}, b"{}")

    assert answer.status is None
    assert answer.error
    assert answer.phase == "after sending"


async def test_a_header_that_would_break_out_of_its_line_is_not_sent() -> None:
    async with talking(polite) as server, aclosing(sender()) as sending:
        answer = await sending.send(server.url, {"X-Shop": "a\r\nX-Admin: yes"}, b"{}")

    assert str(answer.error).startswith("could not be sent")
    assert answer.phase == "before sending"


async def test_connections_are_used_again() -> None:
    async with talking(polite) as server, aclosing(sender()) as sending:
        answers = [await sending.send(server.url, {}, b"{}") for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert server.connections == 1


async def test_a_host_gets_no_more_connections_than_set() -> None:
    async with talking(polite) as server, aclosing(sender(connections_per_host=2)) as sending:
        answers = await asyncio.gather(*(sending.send(server.url, {}, b"{}") for _ in range(10)))

    assert [answer.status for answer in answers] == [200] * 10
    assert server.connections == 2


async def test_what_an_endpoint_sets_as_a_cookie_is_not_sent_back() -> None:
    heads: list[bytes] = []

    async def sets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            await reader.readexactly(2)
            writer.write(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b\r\n\r\n"))

    async with talking(sets) as server, aclosing(sender()) as sending:
        await sending.send(server.url, {}, b"{}")
        await sending.send(server.url, {}, b"{}")

    assert len(heads) == 2
    assert b"cookie" not in heads[1].lower()


async def test_the_machines_proxy_settings_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async with served(always(answered())) as url, aclosing(sender()) as sending:
        assert (await sending.send(url, {}, b"{}")).status == 200


async def test_no_gzipped_answer_is_asked_for() -> None:
    arrived: list[Sent] = []

    async def endpoint(sent: Sent) -> Answer:
        arrived.append(sent)
        return answered()

    async with served(endpoint) as url, aclosing(sender()) as sending:
        await sending.send(url, {}, b"{}")

    assert arrived[0].headers["accept-encoding"] == "identity"

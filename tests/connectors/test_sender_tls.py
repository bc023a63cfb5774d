"""The real sender over TLS: certificates shown and checked, and through a proxy."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import web

from connectors.http.endpoint_auth import Certificate
from connectors.http.sender import HttpSender
from tests.connectors.certificates import Authority
from tests.connectors.servers import Server, talking
from tests.connectors.test_guard import Names
from tests.connectors.test_sender import polite

pytestmark = pytest.mark.anyio
LOOPBACK = (ip_network("127.0.0.0/8"),)
NAME = "hooks.example.com"


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """One that our side believes."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


def certificate(authority: Authority, name: str = "till") -> Certificate:
    pair = authority.issue(name)
    return Certificate(pair.certificate, pair.key)


@asynccontextmanager
async def secure(tls: ssl.SSLContext) -> AsyncIterator[tuple[int, list[tuple[str, str]]]]:
    """Port of an endpoint, and who came: the client certificate's name, and the Host header."""
    came: list[tuple[str, str]] = []

    async def handle(request: web.BaseRequest) -> web.Response:
        assert request.transport
        shown = request.transport.get_extra_info("peercert") or {}
        names = [value for part in shown.get("subject", ()) for _, value in part]
        came.append((" ".join(names), request.headers["Host"]))
        return web.Response()

    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield runner.addresses[0][1], came
    finally:
        await runner.cleanup()


async def test_an_endpoint_sees_the_certificate_that_its_request_came_with(authority: Authority) -> None:
    tls = authority.server("127.0.0.1", asks_for_certificate=True)

    async with secure(tls) as (port, came), aclosing(HttpSender(timeout=5, allowed=LOOPBACK)) as sender:
        url = f"https://127.0.0.1:{port}/"
        for name in ("till", "desk", "till"):
            answer = await sender.send(url, {}, b"{}", certificate=certificate(authority, name))
            assert (answer.status, answer.error) == (200, None)

    assert [name for name, _ in came] == ["till", "desk", "till"]


async def test_without_a_certificate_an_endpoint_that_wants_one_is_not_reached(authority: Authority) -> None:
    tls = authority.server("127.0.0.1", asks_for_certificate=True)

    async with secure(tls) as (port, came), aclosing(HttpSender(timeout=5, allowed=LOOPBACK)) as sender:
        answer = await sender.send(f"https://127.0.0.1:{port}/", {}, b"{}")

    assert answer.status is None
    assert answer.error
    assert came == []


async def test_a_certificate_of_an_endpoint_that_nobody_vouches_for_is_not_accepted(
    authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    tls = Authority(tmp_path / "other").server("127.0.0.1")

    async with secure(tls) as (port, came), aclosing(HttpSender(timeout=5, allowed=LOOPBACK)) as sender:
        for shown in (None, certificate(authority)):
            answer = await sender.send(f"https://127.0.0.1:{port}/", {}, b"{}", certificate=shown)
            assert str(answer.error).startswith("TLS certificate of 127.0.0.1 not accepted: ")
            assert answer.phase == "before sending"

    assert came == []


async def test_many_certificates_do_not_open_ever_more_clients(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.http.connections.MAX_CERTIFICATES", 2)
    tls = authority.server("127.0.0.1", asks_for_certificate=True)
    shown = [certificate(authority, str(number)) for number in range(4)]

    async with secure(tls) as (port, came), aclosing(HttpSender(timeout=5, allowed=LOOPBACK)) as sender:
        url = f"https://127.0.0.1:{port}/"
        answers = await asyncio.gather(
            *(sender.send(url, {}, b"{}", certificate=one) for one in (*shown, *shown))
        )

    assert [answer.status for answer in answers] == [200] * 8
    assert sorted(name for name, _ in came) == ["0", "0", "1", "1", "2", "2", "3", "3"]


async def test_a_private_key_never_lies_open_on_disk(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    write = Path.write_bytes

    def watched(path: Path, data: bytes) -> int:
        written.append(data)
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", watched)
    certificate(authority).context()

    (file,) = written
    assert b"ENCRYPTED PRIVATE KEY" in file
    assert b"BEGIN PRIVATE KEY" not in file


def test_a_key_that_is_not_the_certificates_is_refused(authority: Authority) -> None:
    one, other = authority.issue("one"), authority.issue("other")

    with pytest.raises(ValueError, match="key is not the certificate's"):
        Certificate(one.certificate, other.key)
    with pytest.raises(ValueError, match="key is no private key"):
        Certificate(one.certificate, "x")
    assert "PRIVATE" not in repr(certificate(authority))


class Proxy:
    """Connects whatever it is asked for to `port` of this machine, or refuses with `status`."""

    def __init__(self, port: int, status: bytes = b"200 OK") -> None:
        self.port = port
        self.status = status
        self.heads: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 " + self.status + b"\r\n\r\n")
        if not self.status.startswith(b"200"):
            return
        answers, onward = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            await asyncio.gather(_piped(reader, onward), _piped(answers, writer))
        finally:
            onward.transport.abort()


async def _piped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def proxied(
    names: Names, *endpoint: str, status: bytes = b"200 OK"
) -> AsyncIterator[tuple[HttpSender, Proxy, Server]]:
    proxy = Proxy(int(endpoint[0]) if endpoint else 1, status)
    async with talking(proxy) as server:
        url = server.url.removesuffix("/hook").replace("//", "//me:hunter2@")
        sender = HttpSender(timeout=5, allowed=LOOPBACK, resolver=names, proxy=url)
        async with aclosing(sender):
            yield sender, proxy, server


async def test_a_proxy_is_asked_for_the_checked_address_and_tls_proves_the_name(
    authority: Authority,
) -> None:
    names = Names(["8.8.8.8", "8.8.4.4"])

    async with (
        secure(authority.server(NAME)) as (port, came),
        proxied(names, str(port)) as (sender, proxy, _),
    ):
        answer = await sender.send(f"https://{NAME}:8443/hook", {"X-Shop": "blue"}, b"{}")

    assert (answer.status, answer.error) == (200, None)
    (head,) = proxy.heads
    assert head.startswith("CONNECT 8.8.8.8:8443 HTTP/1.1\r\n")
    assert "proxy-authorization: basic bwu6ahvudgvymg==" in head.lower()
    assert came == [("", f"{NAME}:8443")]


async def test_an_endpoint_behind_a_proxy_that_is_not_the_one_named_gets_nothing(
    authority: Authority,
) -> None:
    async with (
        secure(authority.server("other.example.com")) as (port, came),
        proxied(Names(["8.8.8.8"]), str(port)) as (sender, _, _),
    ):
        answer = await sender.send(f"https://{NAME}/hook", {}, b"{}")

    assert "not accepted" in str(answer.error)
    assert answer.phase == "before sending"
    assert came == []


async def test_a_client_certificate_is_shown_through_a_proxy_too(authority: Authority) -> None:
    tls = authority.server(NAME, asks_for_certificate=True)

    async with secure(tls) as (port, came), proxied(Names(["8.8.8.8"]), str(port)) as (sender, _, _):
        answer = await sender.send(f"https://{NAME}/", {}, b"{}", certificate=certificate(authority))

    assert (answer.status, answer.error) == (200, None)
    assert came == [("till", NAME)]


@pytest.mark.parametrize(
    ("addresses", "url", "error"),
    [
        (
            ["8.8.8.8", "192.168.1.1"],
            f"https://{NAME}/",
            "leads to an address that webhooks may not",
        ),
        ([], "https://169.254.169.254/", "is a cloud's metadata service"),
        (["8.8.8.8"], f"http://{NAME}/", "reached through the proxy, and by https alone"),
    ],
)
async def test_a_proxy_is_not_asked_for_what_the_guard_refuses(
    addresses: list[str], url: str, error: str
) -> None:
    async with proxied(Names(addresses)) as (sender, _, server):
        answer = await sender.send(url, {}, b"{}")

    assert error in str(answer.error)
    assert answer.phase == "before sending"
    assert server.connections == 0


async def test_an_allowed_network_is_reached_without_the_proxy() -> None:
    names = Names(["127.0.0.1"], ["127.0.0.1"])

    async with talking(polite) as endpoint, proxied(names) as (sender, _, server):
        answer = await sender.send(endpoint.url.replace("127.0.0.1", NAME), {}, b"{}")

    assert (answer.status, endpoint.connections, server.connections) == (200, 1, 0)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (b"407 me:hunter2 is not hunter2", "407 *** is not ***"),
        (b"407 bWU6aHVudGVyMg==", "407 ***"),
        (b"502 Passerelle erron\xe9e\x1b[2J", "502 Passerelle erron\\udce9e\\x1b[2J"),
    ],
)
async def test_what_a_proxy_says_is_told_without_its_password(status: bytes, told: str) -> None:
    async with proxied(Names(["8.8.8.8"]), status=status) as (sender, _, _):
        answer = await sender.send(f"https://{NAME}/", {}, b"{}")

    assert (answer.error, answer.phase) == (f"the proxy did not connect: {told}", "before sending")


@pytest.mark.parametrize("status", [b"200 OK\r\nno colon", b"200 OK\r\nContent-Length: x", b"204"])
async def test_a_status_of_the_proxys_is_not_taken_for_the_endpoints(status: bytes) -> None:
    async with proxied(Names(["8.8.8.8"]), "1", status=b" " + status) as (sender, _, _):
        answer = await sender.send(f"https://{NAME}/", {}, b"{}")

    assert (answer.status, answer.phase) == (None, "before sending")
    assert str(answer.error).startswith("the proxy did not connect: ")


async def test_a_proxy_whose_phrase_is_in_latin_1_connects(authority: Authority) -> None:
    names = Names(["8.8.8.8"])

    async with (
        secure(authority.server(NAME)) as (port, _),
        proxied(names, str(port), status=b"200 Connexion \xe9tablie") as (sender, proxy, _),
    ):
        answer = await sender.send(f"https://{NAME}:8443/%7Ehook?a=%2F", {}, b"{}")

    assert (answer.status, answer.error) == (200, None)
    assert "user-agent: loyalty-webhooks/" in proxy.heads[0].lower()
    assert "aiohttp" not in proxy.heads[0].lower()


async def test_a_proxy_that_refuses_or_is_away_is_a_failure_before_sending() -> None:
    names = Names(["8.8.8.8"])
    async with proxied(names, status=b"403 Forbidden") as (sender, _, _):
        refused = await sender.send(f"https://{NAME}/", {}, b"{}")
    names = Names(["8.8.8.8"])
    away = HttpSender(timeout=5, resolver=names, proxy="http://me:hunter2@127.0.0.1:1")
    async with aclosing(away):
        unreached = await away.send(f"https://{NAME}/", {}, b"{}")

    assert (refused.error, refused.phase) == ("the proxy did not connect: 403 Forbidden", "before sending")
    assert (unreached.error, unreached.phase) == (
        "could not connect to the proxy: Connection refused",
        "before sending",
    )

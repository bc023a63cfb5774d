"""A URL goes out byte for byte as it is stored: signed ones are valid only so."""

import asyncio
import hashlib
import hmac
import string
from contextlib import aclosing
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from api.contract.url_policy import PublicTargets
from api.contract.url_policy import target as stored
from connectors.http.attempt_sender import AttemptSender
from connectors.http.sender import HttpSender
from connectors.http.signing_keys import new_secret
from connectors.http.urls import target
from tests.connectors.servers import talking
from tests.connectors.test_courier import DELIVERY, SAFE, TO, signing_key, with_auth
from tests.connectors.test_guard import Names
from tests.connectors.test_sender import OK
from tests.samples import NOON, uid

pytestmark = pytest.mark.anyio
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
SIGNED = [
    "/workflows/8c1/triggers/manual/paths/invoke?api-version=2016-10-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0"
    "&sig=rX7A%2FXCC2w%3D",
    "/hook?x=%22AbC%40def%3A1%22",
    "/%7Euser/%c3%a9?q=%c3%A9",
    "/~user/a+b%20c%2Bd?q=a+b%20c%2Bd",
    "//double//slash/",
    "/a/../b/./c",
    "/a;b=c,d:e@f!$&'()*?/?a=/?:@!$'()*,;==&&=",
    "/%2e%2E/%00%0a%ff",
    "/?a[]=1&b={c}|^`",
    "?only=query",
    "",
    "/",
    "/a%2Fb%5Cc",
    "/services/T0/B0/" + "x" * 1500,
]


async def on_the_wire(url: str, names: Names | None = None) -> list[bytes]:
    """Head and body of the request that a URL makes; PORT in it stands for the server's."""
    heads: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heads.append(head)
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        heads.append(await reader.readexactly(length))
        writer.write(OK)

    async with talking(talk) as server:
        sender = HttpSender(timeout=5, allowed=LOOPBACK, resolver=names)
        async with aclosing(sender):
            port = server.url.rpartition(":")[2].removesuffix("/hook")
            answer = await sender.send(url.replace("PORT", port), {}, b"{}")
    assert answer.status == 200, answer.error
    return heads


@pytest.mark.parametrize("rest", SIGNED)
async def test_the_request_line_is_the_stored_url(rest: str) -> None:
    url = stored(f"http://127.0.0.1:9{rest}", PublicTargets(LOOPBACK))
    assert url == f"http://127.0.0.1:9{rest}"

    head, _ = await on_the_wire(f"http://127.0.0.1:PORT{rest}")

    path = rest if rest.startswith("/") else f"/{rest}"
    assert head.split(b"\r\n")[0] == f"POST {path} HTTP/1.1".encode()


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:PORT/x", "127.0.0.1:PORT"),
        ("HTTP://Hooks.Example.com:PORT/x", "hooks.example.com:PORT"),
        ("http://xn--bcher-kva.example:PORT/x", "xn--bcher-kva.example:PORT"),
        ("http://hooks.example.com.:PORT/x", "hooks.example.com.:PORT"),
    ],
)
async def test_the_host_is_named_as_it_is_stored(url: str, host: str) -> None:
    head, _ = await on_the_wire(url, names=Names(["127.0.0.1"]))

    (line,) = [each for each in head.decode().split("\r\n") if each.lower().startswith("host:")]
    named, _, port = line.partition(": ")[2].rpartition(":")
    assert f"{named}:PORT" == host
    assert port.isdigit()


@pytest.mark.parametrize(
    ("url", "authority", "host"),
    [
        ("http://shop.example/", "shop.example", "shop.example"),
        ("http://shop.example:80/", "shop.example", "shop.example"),
        ("https://shop.example:80/", "shop.example:80", "shop.example"),
        ("https://shop.example:443", "shop.example", "shop.example"),
        ("https://[2001:DB8::1]/", "[2001:db8::1]", "2001:db8::1"),
        ("https://[2001:db8::1]:8443/", "[2001:db8::1]:8443", "2001:db8::1"),
    ],
)
def test_a_default_port_is_not_named(url: str, authority: str, host: str) -> None:
    assert (target(url).authority, target(url).bare_host) == (authority, host)


@pytest.mark.parametrize("rest", SIGNED)
async def test_the_original_platforms_signature_verifies_on_what_arrives(rest: str) -> None:
    secret = new_secret("hmac")
    arrived: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        arrived.extend((head, await reader.readexactly(length)))
        writer.write(OK)

    async with talking(talk) as server:
        sender = HttpSender(timeout=5, allowed=LOOPBACK)
        async with aclosing(sender):
            url = server.url.removesuffix("/hook") + rest
            to = replace(TO, url=url, signing="original", signing_keys=(signing_key(secret),))
            answer = await AttemptSender(sender, SAFE).send(DELIVERY, to, uid(42), NOON)
    assert answer.status == 200

    line, *lines = arrived[0].decode().split("\r\n")
    named = {k.lower(): v for k, _, v in (each.partition(": ") for each in lines)}
    path, host = line.split(" ")[1].partition("?")[0], named["host"].rpartition(":")[0]
    signed = "\n".join(
        (
            "POST",
            f"{len(host)}:{host}",
            f"{len(path)}:{path}",
            hashlib.sha256(arrived[1]).hexdigest(),
            named["x-webhook-timestamp"],
            named["x-webhook-request-id"],
        )
    )
    key = secret.removeprefix("whsec_").encode()
    assert hmac.digest(key, signed.encode(), "sha256").hex() == named["x-webhook-signature"]


async def test_a_token_url_goes_out_as_it_is_stored_and_says_no_more_than_it_must() -> None:
    arrived: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK.replace(b"200", b"400"))

    async with talking(talk) as server:
        sender = HttpSender(timeout=5, allowed=LOOPBACK)
        async with aclosing(sender):
            path = "/%7Etenant/oauth?realm=%2Fshop"
            to = with_auth(
                "oauth2", token_url=server.url.removesuffix("/hook") + path, client_id="c", client_secret="s"
            )
            await AttemptSender(sender, SAFE).send(DELIVERY, to, uid(42), NOON)

    assert arrived[0].startswith(f"POST {path} HTTP/1.1\r\n".encode())
    assert b"user-agent: loyalty-webhooks/" in arrived[0].lower()
    assert b"aiohttp" not in arrived[0].lower()


@given(st.text(string.printable + "éł☃\u202e\x00", max_size=40))
def test_what_is_stored_can_be_sent_as_it_is(rest: str) -> None:
    """Either it is refused, or the request line has it as it was written."""
    try:
        url = stored(f"http://127.0.0.1/{rest}", PublicTargets(LOOPBACK))
    except ValueError:
        return
    assert url == f"http://127.0.0.1/{rest}"
    assert target(url).url().raw_path_qs == f"/{rest}"

"""`loyalty listen` and `loyalty trigger`: over the real application, to a real server on this machine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from api.cli import app
from api.cli.api_client import ApiClient, RequestRefused, api_address, publish_key
from api.cli.listening import ForwardedRequest, ListenOptions, ListenSession
from api.cli.trigger import send_example
from api.services.signing_keys import SealedKeys
from connectors.http.receiver import Behaviour, Receiver, serve_receiver
from connectors.http.sender import Answer, HttpSender
from connectors.http.signing_keys import HmacKey, read_key
from streams.delivery.listeners import LEASE
from streams.errors import LoyaltyError, Misconfigured, Retryable
from streams.settings import Settings
from tests.api.conftest import KEY, SAFE, Door
from tests.api.test_listeners import event

pytestmark = pytest.mark.anyio
SECRET = "whsec_" + "QUJD" * 10
ANY_ADDRESS = (ip_network("0.0.0.0/0"),)


@pytest.fixture
def door() -> Door:
    """Of an application that signs. The session asks often: each look at its clock takes a second."""
    return Door(signer=SealedKeys(SAFE), vault=SAFE)


class Wire(httpx.AsyncBaseTransport):
    """The way to the API. `cuts` answers that the API has given are lost; `refused` calls do not reach it."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._api = httpx.ASGITransport(door.app, raise_app_exceptions=False)
        self.cuts = self.refused = 0
        self.before: Callable[[httpx.Request], None] = lambda _: None
        self.paths: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(f"{request.method} {request.url.path}")
        self.before(request)
        if self.refused:
            self.refused -= 1
            raise httpx.ConnectError("Connection refused", request=request)
        # A session must not wait for events that a test does not publish.
        body = request.content.replace(b'"wait":20', b'"wait":0')
        headers = [(n, v) for n, v in request.headers.items() if n != "content-length"]
        answer = await self._api.handle_async_request(
            httpx.Request(request.method, request.url, headers=headers, content=body)
        )
        if self.cuts and request.url.path.endswith("/fetch"):
            self.cuts -= 1
            raise httpx.ReadError("the connection was cut", request=request)
        return answer


class Listening:
    """A session under way, what it showed and what it said."""

    def __init__(self, door: Door, url: str, **options: Any) -> None:
        self.wire = Wire(door)
        self.client = ApiClient("http://api", KEY, self.wire)
        self.sender = HttpSender(timeout=5, allowed=ANY_ADDRESS)
        self.shown: list[ForwardedRequest] = []
        self.said: list[str] = []
        self.changed = asyncio.Event()
        wanted = ListenOptions(
            **{"store": "DEFAULT", "forward_to": f"{url}/hooks", "secret": SECRET} | options
        )
        self.session = ListenSession(
            self.client, wanted, self.sender, self._show, self._say, lambda _: asyncio.sleep(0)
        )

    @property
    def begun(self) -> int:
        return sum(line.startswith("Listener ") for line in self.said)

    def _show(self, forwarded: ForwardedRequest) -> None:
        self.shown.append(forwarded)
        self.changed.set()

    def _say(self, line: str) -> None:
        self.said.append(line)
        self.changed.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def listening(door: Door, url: str, **options: Any) -> AsyncIterator[Listening]:
    made = Listening(door, url, **options)
    task = asyncio.create_task(made.session.run())
    task.add_done_callback(lambda _: made.changed.set())
    try:
        await made.until(lambda: task.done() or made.begun == 1)
        if task.done():
            task.result()
        yield made
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, LoyaltyError):
            await task
        await made.sender.aclose()
        await made.client.aclose()


def verifying() -> Receiver:
    key = read_key(SECRET)
    assert isinstance(key, HmacKey)
    return Receiver(Behaviour(key=key))


@pytest.mark.parametrize("signing", ["standard", "original"])
async def test_webhooks_arrive_on_this_machine_with_a_signature_that_holds(signing: str) -> None:
    door, receiver = Door(signer=SealedKeys(SAFE), vault=SAFE), verifying()
    door.clock.now = _real_now()
    async with serve_receiver(receiver) as url, listening(door, url, signing=signing) as there:
        door.listening.publish(event(1), event(2))
        await there.until(lambda: len(there.shown) == 2)

    assert (receiver.stats.distinct, receiver.stats.unverified) == (2, 0)
    assert [one.answer.status for one in there.shown if one.answer] == [200, 200]
    assert door.listening.listeners.all() == ()
    assert there.said[-1] == "The listener has ended. Nothing is left of it."
    assert door.endpoints.sent == []


def _real_now() -> Any:
    return datetime.now(UTC)


async def test_answers_that_are_lost_and_an_api_that_is_away_lose_and_double_nothing(door: Door) -> None:
    receiver = Receiver()
    async with serve_receiver(receiver) as url, listening(door, url) as there:
        there.wire.cuts = 3
        door.listening.publish(event(1), event(2))
        await there.until(lambda: len(there.shown) == 2)
        there.wire.refused = 4
        door.listening.publish(event(3))
        await there.until(lambda: len(there.shown) == 3)

    assert (receiver.stats.distinct, receiver.stats.duplicates) == (3, 0)
    assert "Connected again." in there.said


async def test_two_sessions_at_once_get_all_each(door: Door) -> None:
    one, other = Receiver(), Receiver()
    async with (
        serve_receiver(one) as here,
        serve_receiver(other) as elsewhere,
        listening(door, here) as first,
        listening(door, elsewhere, events=("CustomerUpdated",)),
    ):
        door.listening.publish(event(1))
        await first.until(lambda: len(first.shown) == 1)

    assert (one.stats.distinct, other.stats.distinct) == (1, 0)


async def test_a_session_whose_listener_is_over_goes_on_with_another_one_and_the_same_secret(
    door: Door,
) -> None:
    receiver = Receiver()
    async with serve_receiver(receiver) as url, listening(door, url) as there:
        door.clock.now += LEASE
        await there.until(lambda: any("Another one begins" in line for line in there.said))
        await there.until(lambda: there.begun == 2)
        door.listening.publish(event(1))
        await there.until(lambda: len(there.shown) == 1)

    secrets = [line for line in there.said if line.startswith("Signing secret")]
    assert secrets == [f"Signing secret: {SECRET}"] * 2


async def test_a_server_that_is_not_there_is_a_line_and_not_an_end(door: Door) -> None:
    async with listening(door, "http://127.0.0.1:9") as there:
        door.listening.publish(event(1), event(2))
        await there.until(lambda: len(there.shown) == 2)

    errors = [one.answer.error for one in there.shown if one.answer]
    assert errors == ["could not connect to 127.0.0.1: Connection refused"] * 2


async def test_an_example_is_forwarded_with_its_mark_to_the_only_listener(door: Door) -> None:
    receiver = Receiver()
    async with serve_receiver(receiver) as url, listening(door, url, signing="none") as there:
        client = ApiClient("http://api", KEY, Wire(door))
        told = await send_example(client, "DEFAULT", "CustomerRegistered")
        await there.until(lambda: len(there.shown) == 1)
        await client.aclose()

    assert there.shown[0].request.is_test
    assert told["messageId"] == there.shown[0].request.message_id
    assert receiver.stats.samples["CustomerRegistered"].headers["Webhook-Test"] == "true"


async def test_without_a_listener_an_example_has_no_recipient(door: Door) -> None:
    client = ApiClient("http://api", KEY, Wire(door))
    with pytest.raises(Misconfigured, match="Nobody listens to store DEFAULT"):
        await send_example(client, "DEFAULT", "CustomerRegistered")


async def test_what_the_api_refuses_is_said_field_by_field(door: Door) -> None:
    with pytest.raises(RequestRefused, match=r"listener\.events\.0: There is no event \"Nope\""):
        async with listening(door, "http://127.0.0.1:9", events=("Nope",)):
            pass


async def test_a_hostile_api_cannot_choose_the_address_the_framing_or_the_lines() -> None:
    received: list[tuple[str, str, dict[str, str]]] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        if request.url.path.endswith("/listener"):
            return httpx.Response(200, json={"listenerId": "x", "secret": None})
        headers = {"Host": "evil.example", "Content-Length": "1", "Transfer-Encoding": "chunked", "X-A": "b"}
        request_ = {
            "cursor": "1",
            "messageId": "m\n\x1b[2J",
            "eventName": "E",
            "isTest": False,
            "headers": headers,
            "body": "{}",
            "url": "http://evil.example/",
        }
        return httpx.Response(200, json={"requests": [request_], "next": "1"})

    sender = _Recording(received)
    client = ApiClient("http://api", KEY, httpx.MockTransport(answer))
    options = ListenOptions(store="DEFAULT", forward_to="http://127.0.0.1:9/hooks")
    shown = asyncio.Event()
    session = ListenSession(client, options, sender, lambda _: shown.set(), lambda _: None)
    task = asyncio.create_task(session.run())
    await asyncio.wait_for(shown.wait(), 20)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    url, _, headers = received[0]
    assert (url, headers) == ("http://127.0.0.1:9/hooks", {"X-A": "b"})


class _Recording:
    def __init__(self, received: list[tuple[str, str, dict[str, str]]]) -> None:
        self._received = received

    async def send(self, url: str, headers: Any, body: bytes, **_: Any) -> Any:
        await asyncio.sleep(0)
        self._received.append((url, body.decode(), dict(headers)))
        return Answer(200, None, None, "", None, 1)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(200, text="<html>"), "is not this API"),
        (httpx.Response(302, headers={"Location": "http://evil.example/"}, json={}), "302"),
        (httpx.Response(401, json={}), "LOYALTY_API_KEY is not accepted"),
        (httpx.Response(403, json={}), "LOYALTY_API_KEY may not do this"),
        (httpx.Response(400, json={"errors": [{"path": "a.b", "message": "No."}]}), "a.b: No."),
        (httpx.Response(400, json=["x"]), "400"),
        (httpx.Response(200, content=b"[" * 100_000), "is not this API"),
    ],
)
async def test_whatever_answers_in_place_of_the_api_is_one_sentence(
    answer: httpx.Response, said: str
) -> None:
    calls: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.host)
        return answer

    client = ApiClient("http://api", KEY, httpx.MockTransport(handle))
    with pytest.raises(LoyaltyError, match=said):
        await client.call("GET", "/x")
    assert calls == ["api"]


async def test_an_answer_without_end_is_cut() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1_000_000

    client = ApiClient(
        "http://api", KEY, httpx.MockTransport(lambda _: httpx.Response(200, content=endless()))
    )
    with pytest.raises(Retryable, match="bytes"):
        await client.call("GET", "/x")


def test_options_that_are_no_url_no_id_and_no_store_are_named() -> None:
    def output(*arguments: str) -> str:
        result = CliRunner().invoke(app, arguments)
        assert isinstance(result.exception, Misconfigured), result.output
        return str(result.exception)

    assert "--forward-to 'ftp://x'" in output("listen", "--forward-to", "ftp://x")
    assert "--store '../admin'" in output("listen", "--store", "../admin")
    assert "give one of the two" in output("trigger", "X", "--listener", "a", "--subscription", "b")


def test_the_key_of_a_demo_is_its_owners_alone_and_ends_with_it(tmp_path: Any) -> None:
    (tmp_path / "demo").mkdir()
    with publish_key(tmp_path, "secret"):
        file = tmp_path / "demo" / "api-key"
        assert (file.read_text(), file.stat().st_mode & 0o777) == ("secret", 0o600)
    assert not file.exists()
    assert api_address(Settings(home=tmp_path, api_host="::1", api_port=81)) == "http://[::1]:81"

"""What every Sender does: the real one over HTTP, and the fake that other tests believe in."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from ipaddress import ip_network

import pytest

from connectors.http.sender import Answer, HttpSender, Sender
from tests.connectors.fakes import Endpoint, FakeSender, Sent, always, answered, failed
from tests.connectors.servers import closed, served

Stage = Callable[[Endpoint | None], AbstractAsyncContextManager[tuple[Sender, str]]]


@asynccontextmanager
async def fake(endpoint: Endpoint | None) -> AsyncIterator[tuple[Sender, str]]:
    yield FakeSender(endpoint or always(failed())), "http://endpoint/hook?source=loyalty"


@asynccontextmanager
async def real(endpoint: Endpoint | None) -> AsyncIterator[tuple[Sender, str]]:
    """Without an endpoint, the URL is one where nobody listens any more."""
    sender = HttpSender(timeout=5, allowed=(ip_network("127.0.0.1/32"),))
    async with served(endpoint) if endpoint else closed() as url, aclosing(sender):
        yield sender, url


pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("stage", [fake, real])]


async def test_a_request_arrives_as_it_was_given(stage: Stage) -> None:
    arrived: list[Sent] = []

    async def endpoint(sent: Sent) -> Answer:
        arrived.append(sent)
        return answered()

    async with stage(endpoint) as (sender, url):
        await sender.send(url, {"Content-Type": "application/json", "X-Shop": "Łódź"}, b'{"a": 1}')

    (sent,) = arrived
    assert sent.url == url
    assert sent.body == b'{"a": 1}'
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["x-shop"] == "Łódź"


@pytest.mark.parametrize("status", [200, 204, 302, 404, 410, 429, 503])
async def test_any_status_is_an_answer_and_no_error(stage: Stage, status: int) -> None:
    async with stage(always(answered(status))) as (sender, url):
        answer = await sender.send(url, {}, b"{}")

    assert (answer.status, answer.error, answer.phase, answer.retry_after) == (status, None, None, None)


async def test_an_answers_body_and_retry_after_are_told(stage: Stage) -> None:
    async with stage(always(answered(429, "slow down", retry_after="120"))) as (sender, url):
        answer = await sender.send(url, {}, b"{}")

    assert (answer.status, answer.response, answer.retry_after) == (429, "slow down", "120")


async def test_a_failure_is_an_answer_too_and_says_when(stage: Stage) -> None:
    async with stage(None) as (sender, url):
        answer = await sender.send(url, {}, b"{}")

    assert answer.status is None
    assert answer.error is not None
    assert answer.error.endswith("Connection refused")
    assert answer.phase == "before sending"


async def test_many_are_under_way_at_once(stage: Stage) -> None:
    everybody = asyncio.Barrier(5)

    async def endpoint(_sent: Sent) -> Answer:
        await everybody.wait()
        return answered()

    async with stage(endpoint) as (sender, url), asyncio.timeout(5):
        answers = await asyncio.gather(*(sender.send(url, {}, b"{}") for _ in range(5)))

    assert [answer.status for answer in answers] == [200] * 5


async def test_a_cancelled_send_is_cancelled_and_the_next_one_works(stage: Stage) -> None:
    reached, never = asyncio.Event(), asyncio.Event()

    async def endpoint(sent: Sent) -> Answer:
        reached.set()
        if sent.body == b"first":
            await never.wait()
        return answered()

    async with stage(endpoint) as (sender, url):
        first = asyncio.create_task(sender.send(url, {}, b"first"))
        await reached.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first

        assert (await sender.send(url, {}, b"second")).status == 200

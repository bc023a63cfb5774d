"""The endpoint that webhooks are tried on: what it counts is what came."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from connectors.http.receiver import Behaviour, PrintMode, Receiver, serve_receiver
from connectors.http.sender import HttpSender
from connectors.http.signing import sign_original, sign_standard
from connectors.http.signing_keys import HmacKey
from connectors.http.urls import target
from tests.samples import ANNA, BORIS, uid

pytestmark = pytest.mark.anyio


def body(message: int, event_name: str = "CustomerRegistered", **data: object) -> bytes:
    data = data or {"customer": {"customerId": ANNA, "email": None}}
    return json.dumps({"messageId": uid(message), "eventName": event_name, "data": data}).encode()


LEGACY = b'{"type":"customer.registered","data":{"customerId":"%s"}}' % BORIS.encode()


@asynccontextmanager
async def posting(receiver: Receiver) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    async with serve_receiver(receiver) as url, aiohttp.ClientSession() as client:
        yield client, url


async def posted(receiver: Receiver, *bodies: bytes) -> list[int]:
    """The statuses of the answers to `bodies`, posted one after another."""
    statuses = []
    async with posting(receiver) as (client, url):
        for each in bodies:
            async with client.post(f"{url}/any/path", data=each) as answer:
                statuses.append(answer.status)
    return statuses


async def test_it_counts_requests_messages_duplicates_and_event_names() -> None:
    receiver = Receiver()

    statuses = await posted(receiver, body(1), body(2), body(1), body(3, "CustomerUpdated"))

    assert statuses == [200, 200, 200, 200]
    stats = receiver.stats
    assert (stats.requests, stats.distinct, stats.duplicates) == (4, 3, 1)
    assert stats.by_event == {"CustomerRegistered": 3, "CustomerUpdated": 1}


async def test_legacy_bodies_are_counted_apart_for_they_have_no_message_id() -> None:
    receiver = Receiver()

    await posted(receiver, LEGACY, LEGACY, body(1))

    stats = receiver.stats
    assert (stats.requests, stats.distinct, stats.duplicates) == (3, 1, 0)
    assert stats.by_event == {"CustomerRegistered": 1}
    assert stats.by_legacy_type == {"customer.registered": 2}


async def test_stats_show_the_last_request_of_each_name_whole() -> None:
    receiver = Receiver()

    async with posting(receiver) as (client, url):
        for message in (1, 2):
            async with client.post(url, data=body(message), headers={"X-Shop": str(message)}):
                pass
        async with client.get(f"{url}/stats") as answer:
            stats: dict[str, Any] = await answer.json()

    assert stats["requests"] == 2
    assert stats["by_event"] == {"CustomerRegistered": 2}
    sample = stats["samples"]["CustomerRegistered"]
    assert sample["body"] == json.loads(body(2))
    assert sample["headers"]["X-Shop"] == "2"


@pytest.mark.parametrize("junk", [b"", b"{", b"{}", b'{"messageId":5}', b"[]", b"\xff"])
async def test_what_is_no_webhook_is_refused_and_counted(junk: bytes) -> None:
    receiver = Receiver()

    assert await posted(receiver, junk) == [400]

    assert (receiver.stats.requests, receiver.stats.unreadable, receiver.stats.distinct) == (1, 1, 0)


async def test_other_requests_are_told_what_there_is() -> None:
    async with posting(Receiver()) as (client, url), client.get(f"{url}/else") as answer:
        assert answer.status == 404
        assert "POST a webhook" in await answer.text()


async def test_the_log_has_a_line_for_every_webhook_with_its_answer(tmp_path: Path) -> None:
    path = tmp_path / "received.jsonl"
    array = b'{"type":"account.expiring_points_notification","data":[{"customerId":"%s"}]}' % ANNA.encode()

    with path.open("ab", buffering=0) as log:
        receiver = Receiver(Behaviour(fail_first=1), log=log)
        statuses = await posted(
            receiver, body(1), body(1), body(2, "X", member={"customerId": BORIS}), LEGACY, array
        )

    assert statuses == [500, 200, 200, 200, 200]
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    times = [datetime.fromisoformat(line.pop("receivedAt")) for line in lines]
    assert times == sorted(times)
    assert all(time.tzinfo == UTC for time in times)
    assert [list(line.values()) for line in lines] == [
        [uid(1), "CustomerRegistered", ANNA, 500],
        [uid(1), "CustomerRegistered", ANNA, 200],
        [uid(2), "X", BORIS, 200],
        [None, "customer.registered", BORIS, 200],
        [None, "account.expiring_points_notification", ANNA, 200],
    ]


@pytest.mark.parametrize(("printed", "lines"), [("all", 1001), ("sample", 3), ("none", 0)])
async def test_it_shows_all_or_a_sample_or_nothing(printed: PrintMode, lines: int) -> None:
    said: list[str] = []

    await posted(
        Receiver(printed=printed, say=said.append), *[body(number) for number in range(1000)], LEGACY
    )

    assert len(said) == lines
    assert all(" 200 " in line and "member 00000000" in line for line in said)


async def test_it_fails_as_told() -> None:
    assert await posted(Receiver(Behaviour(status=503)), body(1), body(2)) == [503, 503]
    assert await posted(Receiver(Behaviour(fail_first=2)), body(1), body(2), body(3)) == [500, 500, 200]


async def test_it_answers_late_as_told() -> None:
    sender = HttpSender(timeout=0.2, allowed=(ip_network("127.0.0.1/32"),))

    async with serve_receiver(Receiver(Behaviour(delay=3600))) as url:
        answer = await sender.send(url, {}, body(1))
        await sender.aclose()

    assert answer.error == "timed out after 0.2 s waiting for the answer"


COMMAND = (sys.executable, "-c", "from api.cli import main; main()", "receiver")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_command_says_where_it_listens_and_ends_in_order(
    number: signal.Signals, tmp_path: Path
) -> None:
    log = tmp_path / "received.jsonl"
    command = (*COMMAND, "--print", "all", "--log", str(log))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None

    url = (await process.stdout.readline()).decode().removeprefix("listening on ").strip()
    async with aiohttp.ClientSession() as client, client.post(url, data=body(7)) as answer:
        assert answer.status == 200
    process.send_signal(number)
    rest = (await process.stdout.read()).decode().splitlines()

    assert await process.wait() == 0
    assert f"CustomerRegistered member {ANNA} message {uid(7)}" in rest[0]
    assert rest[1:] == ["requests 1, messages 1, duplicates 0"]
    assert json.loads(log.read_text())["messageId"] == uid(7)


async def test_a_port_that_is_taken_is_named() -> None:
    async with serve_receiver(Receiver()) as url:
        port = url.rpartition(":")[2]
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "--port", port, stderr=asyncio.subprocess.PIPE
        )
        _, error = await process.communicate()

    assert process.returncode == 2
    assert error.decode().startswith(f"Error: --port {port}: cannot listen on 127.0.0.1: ")
    assert "Traceback" not in error.decode()


async def test_with_a_secret_it_takes_what_is_signed_with_it_and_answers_401_to_the_rest() -> None:
    key, said = HmacKey(b"s" * 32, b"text"), list[str]()
    receiver, now = Receiver(Behaviour(key=key), "all", said.append), datetime.now(UTC)
    signed = {
        "standard": sign_standard(uid(1), now, body(1), [HmacKey(b"o" * 32, b""), key]),
        "old": sign_standard(uid(1), now - timedelta(hours=1), body(1), [key]),
        "other": sign_standard(uid(1), now, body(2), [key]),
        "unsigned": {},
        "hostile": {"webhook-signature": "v1,x " * 50, "webhook-timestamp": "9" * 500},
    }
    statuses = {}
    async with posting(receiver) as (client, url):
        to = target(f"{url}/any/path?query")
        signed["original"] = sign_original(to, uid(9), now, body(1), key=key, version=3)
        for name, headers in signed.items():
            async with client.post(f"{url}/any/path?query", data=body(1), headers=headers) as answer:
                statuses[name] = answer.status

    refused = {"old", "other", "unsigned", "hostile"}
    assert {name for name, status in statuses.items() if status == 401} == refused
    assert (receiver.stats.requests, receiver.stats.unverified, receiver.stats.distinct) == (6, 4, 1)
    assert sum("signature verified" in line for line in said) == 2
    assert sum("signature not accepted: there is none" in line for line in said) == 1

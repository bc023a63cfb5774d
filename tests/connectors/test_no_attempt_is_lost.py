"""Whatever an attempt meets, its delivery ends: delivered, tried again, or given up; each try is recorded."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.http.retry_policy import read_retry_after
from connectors.http.sender import Answer
from streams.codec.avro import decode, encode
from streams.delivery.records import Attempt
from streams.delivery.retry import MAX_RETRY_AFTER
from tests.connectors.fakes import FakeSender, Sent, always, answered
from tests.connectors.sink_driver import FIRST, SECOND, Sink, delivery
from tests.connectors.test_courier import OAUTH, SAFE, TOKEN_URL
from tests.samples import BORIS, NOON, uid


class Panic(BaseException):
    """As a library in another language raises it."""


NONSENSE = [
    "Fri, 01 Jan 99999999999999999999 00:00:00 GMT",
    "Mon, 01 Jan 0001 00:00:00 +2359",
    "Fri, 01 Jan 2027 99:99:99 GMT",
    "Fri, 01 Jan 2027 00:00:00 +99999999",
    "Thu, 99 Foo -1 00:00:00 GMT",
    "-1",
    "1.5",
    "1e9",
    "0x10",
    "١٢٠",
    "120, 60",
    "120;q=1",
    "soon",
    "\udce9",
    "\x00",
    "",
    "(" * 900,
    "1" * 5000,
]
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)

_ERRORS: list[Callable[[], BaseException]] = [
    RuntimeError,
    RecursionError,
    OverflowError,
    MemoryError,
    AssertionError,
    StopAsyncIteration,
    asyncio.CancelledError,
    Panic,
    lambda: KeyError("\ud800"),
    lambda: OSError(28, "No space left on device"),
    lambda: UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "\x1b[31m"),
    lambda: ExceptionGroup("several", [ValueError("x")]),
]
_TEXT = st.text(max_size=300) | st.sampled_from(["\ud800", "\x00", "x" * 5000])
_ANSWERS = st.builds(
    Answer,
    status=st.integers(0, 999),
    error=st.none(),
    phase=st.none(),
    response=_TEXT,
    retry_after=st.none() | st.sampled_from(NONSENSE) | st.text(max_size=40) | st.integers().map(str),
    duration_ms=st.integers(0, 10**6),
)
_FAILURES = st.builds(
    Answer,
    status=st.none(),
    error=_TEXT,
    phase=st.sampled_from(["before sending", "after sending"]),
    response=st.just(""),
    retry_after=st.none(),
    duration_ms=st.integers(0, 10**6),
)
_MET = st.sampled_from(_ERRORS) | _ANSWERS | _FAILURES


def _endpoint(met: list[Answer | Callable[[], BaseException]]) -> FakeSender:
    """Meets each of them once, and is healthy after."""
    left = list(met)

    async def endpoint(_: Sent) -> Answer:
        now = left.pop(0) if left else answered()
        if isinstance(now, Answer):
            return now
        raise now()

    return FakeSender(endpoint)


def _ends(sink: Sink) -> Counter[str]:
    attempts = (value for value in sink.written if isinstance(value, Attempt))
    return Counter(a.delivery_id for a in attempts if a.outcome in ("delivered", "dead"))


async def _until_all_has_ended(sender: FakeSender) -> Sink:
    sink, now = Sink(sender), NOON
    sink.arrive(delivery(1), delivery(2), delivery(3, BORIS))
    for _ in range(60):
        await sink.until(now)
        # What a 410 disabled is set active again by its owner.
        sink.change(FIRST, state_since=now)
        now += timedelta(hours=25)
        if sum(_ends(sink).values()) >= 3:
            return sink
    pytest.fail(f"not ended after {len(sender.sent)} requests")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(_MET, max_size=12))
def test_whatever_an_attempt_meets_its_delivery_ends_and_each_try_is_recorded(
    met: list[Answer | Callable[[], BaseException]],
) -> None:
    sender = _endpoint(met)

    sink = asyncio.run(_until_all_has_ended(sender))

    attempts = [value for value in sink.written if isinstance(value, Attempt)]
    assert len(attempts) == len(sender.sent)
    assert all(decode(Attempt, *encode(attempt)) == attempt for attempt in attempts)
    assert _ends(sink) == {uid(1): 1, uid(2): 1, uid(3): 1}
    assert not sink.endpoint(FIRST).claimed
    assert not sink.endpoint(FIRST).under_way


@pytest.mark.anyio
@pytest.mark.parametrize("error", _ERRORS)
async def test_what_an_attempt_raises_is_its_failure_and_told_in_the_log(
    error: Callable[[], BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    sender = _endpoint([error])
    sink = Sink(sender)
    sink.arrive(delivery(1), delivery(2, BORIS))

    await sink.until(NOON)

    first, second = (value for value in sink.written if isinstance(value, Attempt))
    assert (first.outcome, first.status, first.error_class) == ("retry", None, "after sending")
    assert first.error == f"after sending: failed within the sender: {type(error()).__name__}"
    assert second.outcome == "delivered"
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.levelno == logging.ERROR


DEEP = '{"access_token":"a","x":' + "[" * 3000 + "]" * 3000 + "}"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "said",
    [
        DEEP,
        "[" * 60_000,
        '{"access_token":"a","expires_in":1e400}',
        '{"access_token":"a","expires_in":' + "9" * 5000 + "}",
        '{"access_token":"a","expires_in":-1}',
        '{"access_token":"a","token_type":{}}',
        '{"access_token":["a"]}',
        '{"access_token":"\\ud800"}',
        '{"access_token":"\udce9"}',
        '{"access_token":"a\\u0000b"}',
        '{"access_token":""}',
        "null",
        "",
        "\ufeff{}",
        "\x00" * 1000,
    ],
)
async def test_a_token_servers_nonsense_fails_before_sending_and_others_go_on(said: str) -> None:
    sender = FakeSender()
    sender.by_url[TOKEN_URL] = always(answered(200, said))
    sink = Sink(sender, safe=SAFE)
    sink.change(FIRST, auth=OAUTH.auth)
    sink.arrive(delivery(1), delivery(2, to=SECOND.subscription_id))

    await sink.until(NOON)

    attempts = {a.subscription_id: a for a in sink.written if isinstance(a, Attempt)}
    assert attempts[SECOND.subscription_id].outcome == "delivered"
    failed = attempts[FIRST.subscription_id]
    assert (failed.outcome, failed.error_class) == ("retry", "before sending")
    assert str(failed.error).startswith("before sending: no access token from login.test: ")


@given(st.binary(max_size=400) | st.recursive(st.none(), st.lists).map(msgspec.json.encode))
@settings(max_examples=100, deadline=None)
def test_a_token_servers_answer_of_any_bytes_is_an_answer(said: bytes) -> None:
    async def run() -> list[Attempt]:
        sender = FakeSender()
        sender.by_url[TOKEN_URL] = always(answered(200, said.decode(errors="replace")))
        sink = Sink(sender, safe=SAFE)
        sink.change(FIRST, auth=OAUTH.auth)
        sink.arrive(delivery(1))
        await sink.until(NOON)
        return [a for a in sink.written if isinstance(a, Attempt)]

    (attempt,) = asyncio.run(run())
    assert attempt.outcome == "retry"


@pytest.mark.parametrize("text", NONSENSE)
def test_a_retry_after_that_cannot_be_read_counts_as_none(text: str) -> None:
    assert read_retry_after(text, NOW) is None


@given(st.text(max_size=80) | st.integers().map(str))
def test_any_retry_after_is_a_wait_or_none(text: str) -> None:
    asked = read_retry_after(text, NOW)

    assert asked is None or asked > timedelta(0)


@pytest.mark.anyio
@pytest.mark.parametrize("asked", ["9" * 18, "000000000000000000120000000", "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_an_enormous_wait_is_bounded_by_the_schedule(asked: str) -> None:
    sender = _endpoint([answered(503, retry_after=asked)])
    sink = Sink(sender)
    sink.arrive(delivery(1))

    await sink.until(NOON)

    (attempt,) = (value for value in sink.written if isinstance(value, Attempt))
    assert attempt.next_attempt_at == NOON + MAX_RETRY_AFTER

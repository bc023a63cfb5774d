"""A webhook receiver for the demo and for tests: it answers, counts, prints and logs what arrives.

A `POST` to any path is a webhook. `GET /stats` returns the counts. It trusts whoever sends, so it belongs on
127.0.0.1.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO, Literal

import msgspec
from aiohttp import web

from connectors.http.signature_check import ReceivedRequest, find_signature_problem
from connectors.http.signing_keys import HmacKey

PrintMode = Literal["all", "sample", "none"]
SAMPLE_EVERY = 1000


class _Customer(msgspec.Struct):
    customer_id: str | None = msgspec.field(name="customerId", default=None)


class _Data(_Customer):
    customer: _Customer | None = None
    member: _Customer | None = None


class Webhook(msgspec.Struct, rename="camel"):
    """The fields of a new or legacy body that the receiver reads."""

    message_id: str | None = None
    event_name: str | None = None
    type: str | None = None
    data: _Data | list[_Data] | None = None

    @property
    def name(self) -> str:
        return self.event_name or self.type or ""

    @property
    def customer_id(self) -> str | None:
        data = self.data[0] if isinstance(self.data, list) and self.data else self.data
        if not isinstance(data, _Data):
            return None
        person = data.customer or data.member or data
        return person.customer_id


class Sample(msgspec.Struct):
    """The last request for a webhook name, complete."""

    headers: dict[str, str]
    body: msgspec.Raw


class Stats(msgspec.Struct):
    """Counts since the start: the JSON of `GET /stats`."""

    requests: int = 0
    """Every POST, whatever its answer."""
    distinct: int = 0
    """Different messageIds."""
    duplicates: int = 0
    """Requests that repeat a messageId."""
    unreadable: int = 0
    """Bodies that are not the JSON of a webhook. They are answered 400."""
    unverified: int = 0
    """Requests whose signature was not accepted. They are answered 401."""
    by_event: dict[str, int] = msgspec.field(default_factory=Counter)
    by_legacy_type: dict[str, int] = msgspec.field(default_factory=Counter)
    """Legacy bodies have no messageId, so that only `requests` counts them too."""
    samples: dict[str, Sample] = msgspec.field(default_factory=dict)


class LogLine(msgspec.Struct, rename="camel"):
    """One line of the log: a request and the status of its answer."""

    message_id: str | None
    event_name: str
    customer_id: str | None
    received_at: datetime
    status: int


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How it answers: each request after `delay` seconds, the first `fail_first` ones with a 500."""

    status: int = 200
    delay: float = 0.0
    fail_first: int = 0
    key: HmacKey | None = None
    """Verifies the signature of each request, and answers 401 to what is not signed with it."""


@dataclass(slots=True)
class Receiver:
    """Takes webhooks. Each line is in the log before its request is answered."""

    behaviour: Behaviour = Behaviour()
    printed: PrintMode = "none"
    say: Callable[[str], None] = lambda _line: None
    log: BinaryIO | None = None
    """Must be unbuffered, so that each answered request is in the file even if the process is killed."""
    stats: Stats = field(default_factory=Stats)
    _seen: set[str] = field(default_factory=set)

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        if request.method == "POST":
            return await self._webhook(request)
        if request.method == "GET" and request.path == "/stats":
            return _json(200, _ENCODER.encode(self.stats))
        return _json(404, b'{"error":"POST a webhook to any path, or GET /stats"}')

    async def _webhook(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        self.stats.requests += 1
        status = 500 if self.stats.requests <= self.behaviour.fail_first else self.behaviour.status
        problem = None
        if self.behaviour.key:
            problem = find_signature_problem(
                _as_received(request, body), self.behaviour.key, datetime.now(UTC)
            )
        if problem:
            self.stats.unverified += 1
            self.say(f"{datetime.now(UTC):%H:%M:%S.%f} 401 signature not accepted: {problem}")
            return _json(401, b'{"error":"signature not accepted"}')
        webhook = _read(body)
        if webhook is None:
            self.stats.unreadable += 1
            return _json(400, b'{"error":"not the JSON of a webhook"}')
        self._count(webhook)
        self.stats.samples[webhook.name] = Sample(dict(request.headers), msgspec.Raw(body))
        self._tell(webhook, status)
        if self.behaviour.delay:
            await asyncio.sleep(self.behaviour.delay)
        return _json(status, b"{}")

    def _count(self, webhook: Webhook) -> None:
        if webhook.message_id is None:
            self.stats.by_legacy_type[webhook.name] += 1
            return
        self.stats.by_event[webhook.name] += 1
        if webhook.message_id in self._seen:
            self.stats.duplicates += 1
        else:
            self._seen.add(webhook.message_id)
            self.stats.distinct += 1

    def _tell(self, webhook: Webhook, status: int) -> None:
        if self.log is None and not self._is_printed(webhook):
            return
        now = datetime.now(UTC)
        line = LogLine(webhook.message_id, webhook.name, webhook.customer_id, now, status)
        if self.log is not None:
            self.log.write(_ENCODER.encode(line) + b"\n")
        if self._is_printed(webhook):
            self.say(
                f"{now:%H:%M:%S.%f} {status} {webhook.name}"
                f" member {webhook.customer_id or '–'} message {webhook.message_id or '–'}"
                f"{' signature verified' if self.behaviour.key else ''}"
            )

    def _is_printed(self, webhook: Webhook) -> bool:
        if self.printed != "sample":
            return self.printed == "all"
        count = self.stats.by_event.get(webhook.name) or self.stats.by_legacy_type[webhook.name]
        return count == 1 or count % SAMPLE_EVERY == 0


@asynccontextmanager
async def serve_receiver(receiver: Receiver, port: int = 0) -> AsyncIterator[str]:
    """Serves on 127.0.0.1 until the block ends. Yields the URL. Raises OSError if the port is taken."""
    runner = web.ServerRunner(web.Server(receiver, access_log=None), shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


_DECODER = msgspec.json.Decoder(Webhook)
_ENCODER = msgspec.json.Encoder()


def _read(body: bytes) -> Webhook | None:
    try:
        webhook = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return webhook if webhook.name else None


def _as_received(request: web.BaseRequest, body: bytes) -> ReceivedRequest:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return ReceivedRequest(headers, body, request.rel_url.raw_path)


def _json(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/json")

"""The session of `loyalty listen`: fetches requests, forwards them, and survives cuts and restarts.

A request's place is confirmed only after it was forwarded: what is cut off before is fetched again, with the
same messageId. At most one answer of the API is in memory.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from api.cli.api_client import ApiClient, NoSuchThing
from connectors.http.envelope import FRAMING_HEADERS
from connectors.http.sender import Answer, Sender
from streams.errors import LoyaltyError, Retryable

WAIT = 20
"""Seconds for which the API is asked to wait for an event."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between two tries to reach the API."""
END_TIMEOUT = 5.0
T = TypeVar("T")


class FetchedRequest(msgspec.Struct, rename="camel"):
    """A request as the API gave it."""

    cursor: str
    message_id: str
    event_name: str
    is_test: bool
    headers: dict[str, str]
    body: str
    error: str | None = None
    """Why it could not be made."""


class _Page(msgspec.Struct):
    requests: list[FetchedRequest]
    next: str


class _Begun(msgspec.Struct, rename="camel"):
    listener_id: str
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class ListenOptions:
    """What to listen for, and where it is forwarded; None: nowhere."""

    store: str
    forward_to: str | None
    events: tuple[str, ...] = ()
    signing: str = "standard"
    secret: str | None = None
    legacy: bool = False
    cloud_events: str | None = None

    def body(self) -> dict[str, Any]:
        return {
            "listener": {
                "forwardUrl": self.forward_to or "http://localhost/",
                "events": list(self.events) or ["*"],
                "signing": self.signing,
                "secret": self.secret,
                "legacy": self.legacy,
                "cloudEvents": self.cloud_events,
            }
        }


@dataclass(frozen=True, slots=True)
class ForwardedRequest:
    """A request and what came of it. `answer` is None if it was only shown."""

    at: datetime
    request: FetchedRequest
    answer: Answer | None


@dataclass(slots=True)
class ListenSession:
    """`show` gets each request once; `say` gets what a person should know."""

    api: ApiClient
    options: ListenOptions
    sender: Sender
    show: Callable[[ForwardedRequest], None]
    say: Callable[[str], None]
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    _listener_id: str | None = field(default=None, init=False)

    async def run(self) -> None:
        """Listens until it is cancelled, and ends the listener then. Raises Misconfigured and RequestRefused
        for what no repetition mends."""
        try:
            while True:
                await self._begin()
                with suppress(NoSuchThing):
                    await self._forward_all()
                self._listener_id = None
                self.say(
                    "The listener has ended: this machine did not ask for too long, or somebody ended it. "
                    "Another one begins; events in between are not forwarded."
                )
        finally:
            await self._end()

    async def _begin(self) -> None:
        path = f"/api/{self.options.store}/webhook/listener"
        answer = await self._insist(lambda: self.api.call("POST", path, self.options.body()))
        begun = _convert(answer.body, _Begun)
        self._listener_id = begun.listener_id
        # The same for a listener that follows this one: the receiver goes on verifying with it.
        self.options = replace(self.options, secret=begun.secret or self.options.secret)
        to = f", forwarding to {self.options.forward_to}" if self.options.forward_to else ""
        self.say(
            f"Listening to {', '.join(self.options.events) or 'all events'} of {self.options.store}{to}."
        )
        if begun.secret:
            self.say(f"Signing secret: {begun.secret}")
        self.say(f"Listener {begun.listener_id}. Ctrl-C ends it.")

    async def _forward_all(self) -> None:
        after: str | None = None
        while True:
            page = await self._fetch(after)
            asked = time.monotonic()
            after = page.next
            for request in page.requests:
                await self._forward(request)
                # A slow receiver must not make the lease run out.
                if time.monotonic() - asked > WAIT and request is not page.requests[-1]:
                    after = request.cursor
                    break

    async def _fetch(self, after: str | None) -> _Page:
        path = f"/api/{self.options.store}/webhook/listener/{self._listener_id}/fetch"
        body = {"fetch": {"wait": WAIT} | ({"after": after} if after else {})}
        answer = await self._insist(lambda: self.api.call("POST", path, body, wait=WAIT))
        return _convert(answer.body, _Page)

    async def _forward(self, request: FetchedRequest) -> None:
        answer = None
        if request.error is None and self.options.forward_to:
            # The HTTP client frames the request, whatever a server says.
            headers = {n: v for n, v in request.headers.items() if n.lower() not in FRAMING_HEADERS}
            answer = await self.sender.send(self.options.forward_to, headers, request.body.encode())
        self.show(ForwardedRequest(datetime.now(UTC), request, answer))

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """The call's result, however long the API is away."""
        pause = FIRST_PAUSE
        while True:
            try:
                result = await call()
            except Retryable as failure:
                if pause == FIRST_PAUSE:
                    self.say(f"{failure}. Trying again.")
                await self.pause(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            if pause > FIRST_PAUSE:
                self.say("Connected again.")
            return result

    async def _end(self) -> None:
        if self._listener_id is None:
            return
        path = f"/api/{self.options.store}/webhook/listener/{self._listener_id}"
        try:
            async with asyncio.timeout(END_TIMEOUT):
                await self.api.call("DELETE", path)
        except NoSuchThing:
            pass
        except (LoyaltyError, TimeoutError):
            self.say("The API does not answer: the listener ends by itself within a quarter of an hour.")
            return
        self.say("The listener has ended. Nothing is left of it.")


def _convert(body: object, kind: type[T]) -> T:
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        raise LoyaltyError(f"what answers is not this API: {error}") from None

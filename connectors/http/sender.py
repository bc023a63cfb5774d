"""Sends one POST and returns its answer.

The client is aiohttp: with 100 connections it takes a tenth of the processor time of httpx. It keeps no
cookies, follows no redirects, and retries nothing by itself.
"""

import asyncio
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Literal, Protocol

import aiohttp
from aiohttp.abc import AbstractResolver

from connectors.http.address_guard import TargetRefused
from connectors.http.answer_reader import UnreadableAnswer
from connectors.http.connections import ClientPool, Request
from connectors.http.endpoint_auth import Certificate
from connectors.http.excerpts import SecretMask, escape_controls
from connectors.http.urls import InvalidTarget, target
from streams.settings import Network

LOG = logging.getLogger(__name__)
Phase = Literal["before sending", "after sending"]

MAX_BODY_BYTES = 4096
"""Bytes of an answer's body that are read. The connection is closed if there are more."""
CONNECT_TIMEOUT = 5.0
"""Seconds for connecting, or half the time of the whole attempt if that is less."""
_MOST_OF_AN_ERROR = 255


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one request: a status, or an error and when it happened."""

    status: int | None
    """None if there was no answer. A status is kept even if its body was cut off."""
    error: str | None
    phase: Phase | None
    """When the error happened. Before sending: the endpoint has got nothing. After sending: it may have."""
    response: str
    """The start of the body, at most 4096 characters."""
    retry_after: str | None
    """The Retry-After header, unparsed."""
    duration_ms: int


class Sender(Protocol):
    """The port through which the sink's requests go out."""

    async def send(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        certificate: Certificate | None = None,
        most: int = MAX_BODY_BYTES,
    ) -> Answer:
        """POSTs once and follows no redirect. Never raises, whatever goes wrong with network, endpoint or
        URL.

        `certificate` is presented if the endpoint's TLS asks for one. `most` bytes of the answer are read.
        """


class HttpSender:
    """Sends to real endpoints, and to no refused address. Make it in the event loop that uses it."""

    def __init__(
        self,
        *,
        timeout: float,
        allowed: tuple[Network, ...] = (),
        connections_per_host: int = 0,
        resolver: AbstractResolver | None = None,
        proxy: str | None = None,
    ) -> None:
        """`timeout`: seconds from the name's resolution to the last byte.

        `connections_per_host`: 0 means no limit; with a limit, the timeout includes the wait for a
        connection. `proxy`: a URL; requests to addresses outside the `allowed` networks go through it.
        """
        self._timeout = timeout
        self._clients = ClientPool(
            allowed,
            connections_per_host,
            resolver or aiohttp.ThreadedResolver(),
            proxy,
            connect_timeout=min(CONNECT_TIMEOUT, timeout / 2),
            on_sent=_note_sent,
        )
        by = self._clients.proxy
        self._blanking = SecretMask(by.secrets if by else ())

    async def send(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        certificate: Certificate | None = None,
        most: int = MAX_BODY_BYTES,
    ) -> Answer:
        exchange, started = _Exchange(most), time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout):
                await self._exchange(exchange, url, headers, body, certificate)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this attempt's failure
            exchange.fail(error, self._timeout)
        exchange.error = self._blanking.blanked(exchange.error) if exchange.error else None
        return exchange.answer(time.perf_counter() - started)

    async def aclose(self) -> None:
        """Closes every connection. Requests under way fail."""
        await self._clients.aclose()

    async def _exchange(
        self,
        exchange: "_Exchange",
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        certificate: Certificate | None,
    ) -> None:
        request = Request(target(url), headers, body, exchange)
        async with self._clients.sent(request, certificate) as response:
            await _read(exchange, response)


async def _read(exchange: "_Exchange", response: aiohttp.ClientResponse) -> None:
    exchange.status = response.status
    waits = response.headers.getall("Retry-After", [])
    # With two headers it is not clear which one is meant.
    exchange.retry_after = waits[0] if len(waits) == 1 else None
    async for chunk in response.content.iter_any():
        exchange.body += chunk
        if len(exchange.body) > exchange.most:
            break


@dataclass(slots=True)
class _Exchange:
    """One request under way."""

    most: int
    sent: bool = False
    status: int | None = None
    error: str | None = None
    retry_after: str | None = None
    body: bytes = b""

    def fail(self, error: Exception, timeout: float) -> None:
        """Records a failure. A status is kept even if what followed it could not be read."""
        unreadable = error.__cause__ if isinstance(error.__cause__, UnreadableAnswer) else None
        if unreadable and not self.sent:
            # The unreadable answer is the proxy's.
            self.error = f"the proxy did not connect: {unreadable.message}"
        elif unreadable:
            self.status = self.status or unreadable.code
        elif isinstance(error, TargetRefused):
            LOG.warning("refused address: %s%s", error, f" ({error.found})" if error.found else "")
            self.error = f"refused address: {error}"
        elif isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ClientError):
            awaited = "for the answer" if self.sent else "for a connection"
            self.error = f"timed out after {timeout:g} s waiting {awaited}"
        elif isinstance(error, aiohttp.ClientError | OSError):
            self.error = _sentence(error, sent=self.sent)
        elif isinstance(error, InvalidTarget):
            self.error = str(error)
        elif isinstance(error, ValueError):
            # A URL, name or header that cannot be written. aiohttp raises this after it has called the trace.
            self.sent, self.error = False, f"could not be sent: {error}"
        else:
            LOG.error("an attempt ended with an unexpected error", exc_info=error)
            self.error = f"failed within the sender: {type(error).__name__}"

    def answer(self, seconds: float) -> Answer:
        error = (
            escape_controls(self.error)[:_MOST_OF_AN_ERROR] if self.error and self.status is None else None
        )
        return Answer(
            status=self.status,
            error=error,
            phase=None if error is None else "after sending" if self.sent else "before sending",
            response=self.body[: self.most].decode(errors="replace"),
            retry_after=escape_controls(self.retry_after) if self.retry_after else None,
            duration_ms=round(seconds * 1000),
        )


async def _note_sent(_session: object, context: SimpleNamespace, _headers: object) -> None:
    context.trace_request_ctx.sent = True


def _sentence(error: Exception, *, sent: bool) -> str:
    """The error in words, without the URL, which may hold a secret."""
    match error:
        case aiohttp.ClientConnectorError():
            return _connect_error(error)
        case aiohttp.ConnectionTimeoutError():
            return "could not connect: timed out"
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed before an answer"
        case aiohttp.ClientResponseError():
            return _not_http(error)
        case aiohttp.InvalidURL():
            return "could not be sent: not a URL to send to"
    return f"{'the connection broke' if sent else 'could not be sent'}: {error or type(error).__name__}"


def _not_http(error: aiohttp.ClientResponseError) -> str:
    said = " ".join(error.message.split())
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy did not connect: {error.status} {said}"
    return f"the answer is not HTTP: {said}"


def _connect_error(error: aiohttp.ClientConnectorError) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"TLS certificate of {error.host} not accepted: {error.certificate_error}"
        case aiohttp.ClientConnectorSSLError():
            return f"no TLS connection to {error.host}: {error.os_error}"
        case aiohttp.ClientConnectorDNSError():
            return f"could not resolve {error.host}: {error.os_error.strerror or error.os_error}"
    reason = os.strerror(error.os_error.errno) if error.os_error.errno else type(error.os_error).__name__
    where = "the proxy" if isinstance(error, aiohttp.ClientProxyConnectionError) else error.host
    return f"could not connect to {where}: {reason}"

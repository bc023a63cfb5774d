"""One POST and what came of it.

The client is httpx's transport interface over aiohttp's connections: at 100 connections aiohttp costs a
tenth of the processor time of httpx's own. There is no `httpx.AsyncClient` around it: its cookie jar
would carry what one endpoint set to another, its log line names the URL, and a webhook needs neither
redirects nor retries beneath its own.
"""

import asyncio
import os
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver

from connectors.http.auth import Certificate
from connectors.http.clients import Clients
from connectors.http.guard import TargetRefused
from streams.settings import Network

Phase = Literal["before sending", "after sending"]

MOST_OF_A_BODY = 4096
"""Bytes read of an answer's body; the connection is closed on those that say more."""
CONNECT_TIMEOUT = 5.0
"""Seconds, where the time of the whole attempt is not shorter yet."""
_MOST_OF_AN_ERROR = 255


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request: a status, or an error and when it happened."""

    status: int | None
    """None: there was no answer. Any status stands, even where the body behind it was cut off."""
    error: str | None
    phase: Phase | None
    """Of an error. Before sending: the endpoint has seen nothing. After: it may have."""
    response: str
    """The start of the body, at most 4096 characters."""
    retry_after: str | None
    """The header, as it came."""
    duration_ms: int


class Sender(Protocol):
    """Where the sink's requests go out."""

    async def send(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        certificate: Certificate | None = None,
        most: int = MOST_OF_A_BODY,
    ) -> Answer:
        """POSTs once, follows no redirect. Raises nothing for what network, endpoint or URL do wrong.

        `certificate` is shown where the endpoint's TLS asks for one; `most` bytes of the answer are read.
        """


class HttpxSender:
    """Sends to real endpoints, and to no refused address. To be made in the loop that uses it."""

    def __init__(
        self,
        *,
        timeout: float,
        allowed: tuple[Network, ...] = (),
        connections_per_host: int = 0,
        resolver: AbstractResolver | None = None,
        proxy: str | None = None,
    ) -> None:
        """`timeout` in seconds, from looking up the name to the last byte.

        `connections_per_host` 0: no limit. With one, the wait for a connection is part of the attempt's time.
        `proxy`: a URL; what is not in an `allowed` network goes through it.
        """
        self._timeout = timeout
        self._extensions = {"timeout": {"connect": min(CONNECT_TIMEOUT, timeout / 2)}}
        self._clients = Clients(
            allowed,
            connections_per_host,
            resolver or aiohttp.ThreadedResolver(),
            proxy,
            on_sent=_note_sent,
        )

    async def send(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        certificate: Certificate | None = None,
        most: int = MOST_OF_A_BODY,
    ) -> Answer:
        exchange, started = _Exchange(most), time.perf_counter()
        token = _EXCHANGE.set(exchange)
        try:
            async with asyncio.timeout(self._timeout):
                await self._exchange(exchange, url, headers, body, certificate)
        except TargetRefused as refused:
            exchange.error = f"refused address: {refused}"
        except TimeoutError:
            awaited = "for the answer" if exchange.sent else "for a connection"
            exchange.error = f"timed out after {self._timeout:g} s waiting {awaited}"
        except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError) as error:
            exchange.error = _sentence(error, sent=exchange.sent)
        except ValueError as error:
            # A name or a header that cannot be written; aiohttp says so after it has called the trace.
            exchange.sent, exchange.error = False, f"could not be sent: {error}"
        finally:
            _EXCHANGE.reset(token)
        return exchange.answer(time.perf_counter() - started)

    async def aclose(self) -> None:
        """Closes every connection. What is under way fails."""
        await self._clients.aclose()

    async def _exchange(
        self,
        exchange: "_Exchange",
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        certificate: Certificate | None,
    ) -> None:
        # Unasked, aiohttp offers gzip: an error page is to be read, not unpacked.
        encoded = [(b"accept-encoding", b"identity")]
        encoded += [(name.encode(), value.encode()) for name, value in headers.items()]
        request = httpx.Request(
            "POST", parsed(url), headers=encoded, content=body, extensions=self._extensions
        )
        async with self._clients.sent(request, certificate) as response:
            await _read(exchange, response)


async def _read(exchange: "_Exchange", response: httpx.Response) -> None:
    exchange.status = response.status_code
    exchange.retry_after = response.headers.get("retry-after")
    async for chunk in response.aiter_raw():
        exchange.body += chunk
        if len(exchange.body) > exchange.most:
            break


@dataclass(slots=True)
class _Exchange:
    """One attempt on its way."""

    most: int
    sent: bool = False
    status: int | None = None
    error: str | None = None
    retry_after: str | None = None
    body: bytes = b""

    def answer(self, seconds: float) -> Answer:
        error = self.error[:_MOST_OF_AN_ERROR] if self.error and self.status is None else None
        return Answer(
            status=self.status,
            error=error,
            phase=None if error is None else "after sending" if self.sent else "before sending",
            response=self.body[: self.most].decode(errors="replace"),
            retry_after=self.retry_after,
            duration_ms=round(seconds * 1000),
        )


_EXCHANGE: ContextVar[_Exchange] = ContextVar("exchange")
"""The attempt that the running task makes: the transport has no way to hand it to the trace below."""


async def _note_sent(_session: object, _context: object, _headers: object) -> None:
    _EXCHANGE.get().sent = True


@lru_cache(maxsize=4096)
def parsed(url: str) -> httpx.URL:
    """Raises InvalidURL."""
    return httpx.URL(url)


def _sentence(error: Exception, *, sent: bool) -> str:
    """Never the URL itself: it may hold a secret."""
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return "not a URL to send to: http or https is needed, and a host in its usual form"
    # What the transport raises tells little: it calls any connection that broke a connect timeout.
    cause = error.__cause__ if isinstance(error, httpx.HTTPError) and error.__cause__ else error
    match cause:
        case aiohttp.ClientConnectorError():
            return _unconnected(cause)
        case aiohttp.ConnectionTimeoutError():
            return "could not connect: timed out"
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed before an answer"
        case aiohttp.ClientResponseError():
            return _not_http(cause)
    return f"{'the connection broke' if sent else 'could not be sent'}: {cause or type(cause).__name__}"


def _not_http(error: aiohttp.ClientResponseError) -> str:
    said = " ".join(error.message.split())
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy did not connect: {error.status} {said}"
    return f"the answer is not HTTP: {said}"


def _unconnected(error: aiohttp.ClientConnectorError) -> str:
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

"""Connections to endpoints: a shared client, one for each client certificate, and a way through a proxy.

A proxy that gets a name would resolve it again, later than our check. So it gets the checked address:
`CONNECT` opens a tunnel to it, and TLS inside the tunnel proves that the endpoint is the named one. Plain
http cannot prove that, and never goes through the proxy.
"""

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from multidict import CIMultiDict
from yarl import URL

from connectors.http.address_guard import GuardedResolver, TargetRefused, guarded_sockets, is_inside
from connectors.http.answer_reader import MAX_HEAD_BYTES, MAX_HEADERS, use_answer_reader
from connectors.http.endpoint_auth import Certificate
from connectors.http.envelope import USER_AGENT
from connectors.http.urls import Target
from streams.settings import Network

IDLE_SECONDS = 4.0
"""Seconds for which an idle connection is kept. Common servers close theirs after five: with less, a request
is rarely sent on a connection that is just being closed."""
MAX_CERTIFICATES = 200
"""Clients kept for certificates. The least recently used one without requests under way is closed first."""

OnSent = Callable[[aiohttp.ClientSession, SimpleNamespace, object], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Request:
    """A POST. `token` is handed to `on_sent`."""

    target: Target
    headers: Mapping[str, str]
    body: bytes
    token: object


@dataclass(frozen=True, slots=True)
class Proxy:
    url: str
    headers: Mapping[str, str]
    secrets: tuple[str, ...]
    """User and password, to be masked in what the proxy answers."""


class _NoCookies(aiohttp.DummyCookieJar):
    """Does not parse cookies either: aiohttp would log an endpoint's malformed cookie."""

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Keeps no cookie."""


class Client:
    """The sessions of one TLS identity: one that dials guarded addresses, and one through the proxy."""

    def __init__(self, direct: aiohttp.ClientSession, proxied: aiohttp.ClientSession | None) -> None:
        self.direct = direct
        self.proxied = proxied
        self.under_way = 0

    async def aclose(self) -> None:
        await self.direct.close()
        if self.proxied:
            await self.proxied.close()


class ClientPool:
    """Clients by certificate. `on_sent` is called when a request's headers have been sent."""

    def __init__(
        self,
        allowed: tuple[Network, ...],
        connections_per_host: int,
        resolver: AbstractResolver,
        proxy: str | None,
        *,
        connect_timeout: float,
        on_sent: OnSent,
    ) -> None:
        self._allowed = allowed
        self._per_host = connections_per_host
        self._resolver = resolver
        self.proxy = read_proxy(proxy) if proxy else None
        # Limits the connecting only: the caller limits the whole attempt.
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout)
        self._trace = aiohttp.TraceConfig()
        self._trace.on_request_headers_sent.append(on_sent)
        self._usual = self._client(httpx.create_ssl_context())
        self._certified: dict[Certificate, Client] = {}
        self._making = asyncio.Lock()

    @asynccontextmanager
    async def sent(
        self, request: Request, certificate: Certificate | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Yields the answer; a body that is not read is dropped. Raises aiohttp's errors and
        TargetRefused."""
        client = await self._client_for(certificate) if certificate else self._usual
        client.under_way += 1
        try:
            address = await self._address(request.target) if client.proxied else None
            if client.proxied and address:
                posted = self._post(client.proxied, request, address)
            else:
                posted = self._post(client.direct, request)
            async with posted as response:
                yield response
        finally:
            client.under_way -= 1

    async def aclose(self) -> None:
        for client in (self._usual, *self._certified.values()):
            await client.aclose()

    def _post(
        self, session: aiohttp.ClientSession, request: Request, address: str | None = None
    ) -> "aiohttp.client._RequestContextManager":
        """With an `address` the request goes through the proxy to it, under the endpoint's name."""
        target = request.target
        headers = CIMultiDict(request.headers)
        headers["Host"] = target.authority
        # aiohttp offers gzip by default, but an error page must be readable without unpacking.
        headers["Accept-Encoding"] = "identity"
        by = self.proxy if address else None
        return session.post(
            target.url(address),
            headers=headers,
            data=request.body,
            allow_redirects=False,
            server_hostname=target.bare_host if address else None,
            proxy=by.url if by else None,
            proxy_headers=by.headers if by else None,
            trace_request_ctx=request.token,
        )

    async def _client_for(self, certificate: Certificate) -> Client:
        async with self._making:
            client = self._certified.pop(certificate, None)
            if client is None:
                client = self._client(await asyncio.to_thread(certificate.context))
            # Last in: the first is the one used longest ago.
            self._certified[certificate] = client
            await self._make_room()
        return client

    async def _make_room(self) -> None:
        *others, _ = self._certified
        spare = [other for other in others if not self._certified[other].under_way]
        for certificate in spare[: max(0, len(self._certified) - MAX_CERTIFICATES)]:
            await self._certified.pop(certificate).aclose()

    def _client(self, tls: ssl.SSLContext) -> Client:
        guarded = self._connector(
            tls,
            resolver=GuardedResolver(self._resolver, self._allowed),
            socket_factory=guarded_sockets(self._allowed),
        )
        # Not guarded: it dials only the operator's proxy.
        to_proxy = self._session(self._connector(tls, resolver=self._resolver)) if self.proxy else None
        return Client(self._session(guarded), to_proxy)

    def _connector(
        self,
        tls: ssl.SSLContext,
        resolver: AbstractResolver,
        socket_factory: Callable[[aiohttp.AddrInfoType], socket.socket] | None = None,
    ) -> aiohttp.TCPConnector:
        connector = aiohttp.TCPConnector(
            resolver=resolver,
            socket_factory=socket_factory,
            # 0: no limit over all hosts (aiohttp's default is 100), or a slow host would make the others
            # wait.
            limit=0,
            limit_per_host=self._per_host,
            keepalive_timeout=IDLE_SECONDS,
            ssl=tls,
        )
        return use_answer_reader(connector)

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            # The default would show the versions of aiohttp and Python.
            headers={"User-Agent": USER_AGENT},
            cookie_jar=_NoCookies(),
            trace_configs=[self._trace],
            trust_env=False,
            timeout=self._timeout,
            # Never unpacks: a small body may unpack to gigabytes.
            auto_decompress=False,
            # `AnswerReader` bounds the head as a whole.
            max_line_size=MAX_HEAD_BYTES,
            max_field_size=MAX_HEAD_BYTES,
            max_headers=MAX_HEADERS,
        )

    async def _address(self, target: Target) -> str | None:
        """The checked address for the proxy's tunnel; None if the endpoint is reached without the proxy."""
        resolver = GuardedResolver(self._resolver, self._allowed)
        found = await resolver.resolve(target.bare_host, target.port, socket.AF_UNSPEC)
        addresses = [ip_address(answer["host"]) for answer in found]
        if all(is_inside(address, self._allowed) for address in addresses):
            return None
        if target.scheme != "https":
            raise TargetRefused(f"{target.bare_host} is to be reached through the proxy, and by https alone")
        return str(addresses[0])


def read_proxy(url: str) -> Proxy:
    """The proxy of a URL. User and password become a header that aiohttp sends to the proxy only."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    headers = {"User-Agent": USER_AGENT}
    if parts.username is None:
        return Proxy(f"{parts.scheme}://{place}", headers, ())
    user, password = unquote(parts.username), unquote(parts.password or "")
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    headers["Proxy-Authorization"] = f"Basic {pair}"
    return Proxy(f"{parts.scheme}://{place}", headers, (user, password, f"{user}:{password}"))

"""Connections to endpoints: guarded ones for most, some of their own for a client certificate, or by a proxy.

The proxy dials for us, and would look the name up itself, some time after we did. So it is not given the
name: it is asked for a tunnel to the very address that was checked here, and TLS inside the tunnel proves
that the endpoint is the one named. Where there is no TLS to prove it, nothing goes through the proxy.
"""

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from httpx_aiohttp import AiohttpTransport

from connectors.http.auth import Certificate
from connectors.http.guard import GuardedResolver, TargetRefused, guarded_sockets, inside
from streams.settings import Network

IDLE = 4.0
"""Seconds a connection is kept: below the five after which common servers close theirs, so that a request
is seldom lost between our sending and their closing."""
MOST_CERTIFICATES = 200
"""Clients kept for certificates; the one used longest ago goes first, if it has nothing under way."""

OnSent = Callable[[object, object, object], Awaitable[None]]


class Client:
    """One way out: directly, guarded, or through a proxy."""

    def __init__(self, direct: AiohttpTransport, proxied: AiohttpTransport | None) -> None:
        self.direct = direct
        self.proxied = proxied
        self.under_way = 0

    async def aclose(self) -> None:
        await self.direct.aclose()
        if self.proxied:
            await self.proxied.aclose()


class Clients:
    """`on_sent` is called when the head of a request is out."""

    def __init__(
        self,
        allowed: tuple[Network, ...],
        connections_per_host: int,
        resolver: AbstractResolver,
        proxy: str | None,
        *,
        on_sent: OnSent,
    ) -> None:
        self._allowed = allowed
        self._per_host = connections_per_host
        self._resolver = resolver
        self._proxy = _proxy(proxy) if proxy else None
        self._trace = aiohttp.TraceConfig()
        self._trace.on_request_headers_sent.append(on_sent)
        self._usual = self._client(httpx.create_ssl_context())
        self._certified: dict[Certificate, Client] = {}
        self._making = asyncio.Lock()

    @asynccontextmanager
    async def sent(
        self, request: httpx.Request, certificate: Certificate | None
    ) -> AsyncIterator[httpx.Response]:
        """The answer's head; its body is dropped after. Raises what the transport does, and TargetRefused."""
        client = await self._for(certificate) if certificate else self._usual
        client.under_way += 1
        try:
            tunnelled = client.proxied and await self._tunnelled(request)
            transport = client.proxied if client.proxied and tunnelled else client.direct
            response = await transport.handle_async_request(tunnelled or request)
            try:
                yield response
            finally:
                await response.aclose()
        finally:
            client.under_way -= 1

    async def aclose(self) -> None:
        for client in (self._usual, *self._certified.values()):
            await client.aclose()

    async def _for(self, certificate: Certificate) -> Client:
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
        for certificate in spare[: max(0, len(self._certified) - MOST_CERTIFICATES)]:
            await self._certified.pop(certificate).aclose()

    def _client(self, tls: ssl.SSLContext) -> Client:
        guarded = self._connector(
            tls,
            resolver=GuardedResolver(self._resolver, self._allowed),
            socket_factory=guarded_sockets(self._allowed),
        )
        direct = AiohttpTransport(client=self._session(guarded))
        if self._proxy is None:
            return Client(direct, None)
        # It dials nobody but the operator's proxy.
        to_proxy = self._session(self._connector(tls, resolver=self._resolver))
        return Client(direct, AiohttpTransport(client=to_proxy, proxy=self._proxy))

    def _connector(
        self,
        tls: ssl.SSLContext,
        resolver: AbstractResolver,
        socket_factory: Callable[[aiohttp.AddrInfoType], socket.socket] | None = None,
    ) -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector(
            resolver=resolver,
            socket_factory=socket_factory,
            # No limit over all: a slow host's connections would keep the others waiting.
            limit=0,
            limit_per_host=self._per_host,
            keepalive_timeout=IDLE,
            ssl=tls,
        )

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[self._trace],
            trust_env=False,
        )

    async def _tunnelled(self, request: httpx.Request) -> httpx.Request | None:
        """The request to the checked address, under the endpoint's name; None: it needs no proxy."""
        url = request.url
        host = url.raw_host.decode()
        resolver = GuardedResolver(self._resolver, self._allowed)
        found = await resolver.resolve(host, url.port or 0, socket.AF_UNSPEC)
        addresses = [ip_address(answer["host"]) for answer in found]
        if all(inside(address, self._allowed) for address in addresses):
            return None
        if url.scheme != "https":
            raise TargetRefused(f"{host} is to be reached through the proxy, and by https alone")
        return httpx.Request(
            request.method,
            url.copy_with(host=str(addresses[0])),
            headers=request.headers,
            content=request.content,
            extensions=request.extensions | {"sni_hostname": host},
        )


def _proxy(url: str) -> httpx.Proxy:
    """With its password in a header: the transport would hand it on in a way that aiohttp gives up."""
    given = httpx.Proxy(url)
    if given.auth is None:
        return given
    user, password = given.auth
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return httpx.Proxy(given.url, headers={"Proxy-Authorization": f"Basic {pair}"})

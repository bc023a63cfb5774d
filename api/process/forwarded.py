"""Who a request is from where a proxy brings it: X-Forwarded-For says it, believed of our proxies only."""

import ipaddress
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from streams.settings import Network


class ForwardedAddress:
    """Puts the caller's address, and the scheme that it used, where the proxy's own stand. `trusted`: the
    networks of proxies; whatever else sends these headers is itself the caller."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network]) -> None:
        self._app = app
        self._trusted = tuple(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if scope["type"] == "http" and client and self._trusts(client[0]):
            headers = Headers(scope=scope)
            scope = {**scope, "client": (self._caller(headers, client[0]), 0)}
            scheme = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
            if scheme in {"http", "https"}:
                scope["scheme"] = scheme
        await self._app(scope, receive, send)

    def _caller(self, headers: Headers, peer: str) -> str:
        """The last address that no proxy of ours is: those before it are the caller's own words."""
        said = [part.strip() for line in headers.getlist("x-forwarded-for") for part in line.split(",")]
        caller = peer
        for address in reversed(said):
            if _address(address) is None:
                break
            caller = address
            if not self._trusts(address):
                break
        return caller

    def _trusts(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._trusted)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found

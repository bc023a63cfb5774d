"""Which URLs a webhook may be sent to, as far as their text tells. What a name resolves to is checked when
it is dialled: it may answer differently by then."""

import re
from ipaddress import ip_address
from typing import Protocol

import httpx

from connectors.http.address_guard import host_refusal, refusal
from connectors.http.urls import explain_unsendable
from connectors.http.urls import target as sent_to
from streams.settings import Network

MAX_URL_LENGTH = 2048
_IPV6 = 6
_BEGINNING = re.compile(r"(?P<scheme>https?://)(?P<authority>[^/?#]*)", re.IGNORECASE)
_PLACE = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]*))?")
_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")


class TargetPolicy(Protocol):
    def refusal(self, host: str) -> str | None:
        """Why no webhook may be sent to `host`, or None if one may. A name is in ASCII, lower case."""


class PublicTargets:
    """Refuses addresses that only we can reach, and names of this machine, unless `allowed` covers them."""

    def __init__(self, allowed: tuple[Network, ...]) -> None:
        self._allowed = allowed

    def refusal(self, host: str) -> str | None:
        name = host.rstrip(".").lower()
        if name in {"localhost", "localhost.localdomain", "ip6-localhost"} or name.endswith(".localhost"):
            reason = refusal(ip_address("127.0.0.1"), self._allowed)
            return f"{host} is {reason}" if reason else None
        return host_refusal(host, self._allowed)


def target(text: str, policy: TargetPolicy) -> str:
    """The URL to store, and to send to byte for byte: as written, but names in other scripts in ASCII.

    Raises ValueError with the reason, which never holds the URL: it may carry a password.
    """
    if len(text) > MAX_URL_LENGTH:
        raise ValueError(f"has {len(text)} characters, at most {MAX_URL_LENGTH} are allowed")
    begun = _BEGINNING.match(text)
    if begun is None:
        raise ValueError("must begin with http:// or https://")
    authority = begun["authority"]
    if "@" in authority:
        raise ValueError("must hold no user name and password: send them in a header")
    stored = begun["scheme"] + _in_ascii(authority) + text[begun.end() :]
    reason = explain_unsendable(stored)
    if reason:
        raise ValueError(reason)
    if "#" in text:
        raise ValueError("must have no fragment, which is never sent: leave out what begins with #")
    return _permitted(stored, policy)


def _permitted(stored: str, policy: TargetPolicy) -> str:
    begun = _BEGINNING.match(stored)
    place = _PLACE.fullmatch(begun["authority"]) if begun else None
    if place is None:
        raise ValueError("is no URL: behind the host, only a colon and a port are valid")
    if not _is_host(place["host"]):
        raise ValueError("must name a host: a name of letters, digits and hyphens, or an address")
    if place["port"] and not 1 <= int(place["port"][:6]) <= 65_535:
        raise ValueError("must have a port of 1 to 65535")
    # Read as the sender will read it: both must understand the same host.
    reason = policy.refusal(sent_to(stored).bare_host)
    if reason:
        raise ValueError(f"may not be a target: {reason}")
    return stored


def _in_ascii(authority: str) -> str:
    if authority.isascii():
        return authority
    name, colon, port = authority.partition(":")
    try:
        return httpx.URL(f"http://{name}/").raw_host.decode() + colon + port
    except (httpx.InvalidURL, UnicodeError):
        raise ValueError("must name a host: no domain name is written so") from None


def _is_host(host: str) -> bool:
    if host.startswith("["):
        try:
            return ip_address(host[1:-1]).version == _IPV6 and "%" not in host
        except ValueError:
            return False
    return len(host) <= 253 and all(_NAME.fullmatch(label) for label in host.removesuffix(".").split("."))

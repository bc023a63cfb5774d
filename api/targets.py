"""Which URLs a webhook may be sent to, as far as their text tells. What a name resolves to is checked when
it is dialled: it may answer differently by then."""

import re
from ipaddress import ip_address
from typing import Protocol

import httpx

from connectors.http.guard import host_refusal, refusal
from streams.settings import Network

LONGEST = 2048
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
    """The URL to store: as written, but names in other scripts in their ASCII form.

    Raises ValueError with the reason, which never holds the URL: it may carry a password.
    """
    if len(text) > LONGEST:
        raise ValueError(f"has {len(text)} characters, at most {LONGEST} are allowed")
    if re.search(r"[\x00-\x20\x7f\\]", text):
        raise ValueError("must have no blanks, control characters or backslashes")
    try:
        # Read by the library that will send to it: both must understand the same host.
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeEncodeError):
        raise ValueError("is no URL") from None
    _refuse_parts(url, text)
    reason = policy.refusal(url.raw_host.decode())
    if reason:
        raise ValueError(f"may not be a target: {reason}")
    stored = text if text.isascii() else str(url)
    if len(stored) > LONGEST:
        raise ValueError(f"has {len(stored)} characters when encoded, at most {LONGEST} are allowed")
    return stored


def _refuse_parts(url: httpx.URL, text: str) -> None:
    if url.scheme not in {"http", "https"}:
        raise ValueError("must begin with http:// or https://")
    if not _is_host(url.raw_host.decode()):
        raise ValueError("must name a host")
    if url.userinfo or "@" in text.split("/")[2]:
        raise ValueError("must hold no user name and password: send them in a header")
    if "#" in text:
        raise ValueError("must have no fragment")
    if url.port is not None and not 1 <= url.port <= 65_535:
        raise ValueError("must have a port of 1 to 65535")


def _is_host(host: str) -> bool:
    if ":" in host:
        return "%" not in host
    return len(host) <= 253 and all(_NAME.fullmatch(label) for label in host.removesuffix(".").split("."))

"""URLs, which are sent byte for byte as they are stored (RFC 3986; RFC 9112, section 3.2). Pure.

A signed URL is valid only as it was made. `%2F` and `/`, `%7E` and `~`, `%c3` and `%C3` are equivalent, but
their signatures differ. So nothing is encoded, decoded or normalized here.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from yarl import URL

_DEFAULT_PORTS = {"http": 80, "https": 443}
_PARTS = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[^\[\]/?#@:]+)(?::(?P<port>[0-9]*))?"
    r"(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?",
    re.IGNORECASE,
)
_UNSENDABLE = re.compile(r"[^\x21-\x7e]")
_NEVER_VALID = re.compile(r'[^\x21-\x7e]|["<>\\]|%(?![0-9A-Fa-f]{2})')


class InvalidTarget(ValueError):
    """The message gives the reason without the URL, which may hold a secret."""


@dataclass(frozen=True, slots=True)
class Target:
    """The parts of a URL that a request is sent to."""

    scheme: str
    host: str
    """Lower case. An IPv6 address is in brackets."""
    port: int
    path: str
    """`/` if the URL has none."""
    query: str
    """Begins with a question mark; empty if the URL has none."""

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        return self.host if self.port == _DEFAULT_PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def bare_host(self) -> str:
        """The name or address to resolve, without brackets."""
        return self.host.strip("[]")

    def url(self, address: str | None = None) -> URL:
        """The URL for aiohttp. `encoded=True` makes it send the text unchanged. `address` takes the host's
        place."""
        host = self.host if address is None else f"[{address}]" if ":" in address else address
        return URL(f"{self.scheme}://{host}:{self.port}{self.path}{self.query}", encoded=True)


@lru_cache(maxsize=4096)
def target(url: str) -> Target:
    """Splits a URL. Raises InvalidTarget."""
    found = _PARTS.fullmatch(url)
    if found is None or _UNSENDABLE.search(url):
        raise InvalidTarget("not a URL to send to: http or https is needed, and a host in its usual form")
    scheme = found["scheme"].lower()
    port = int(found["port"][:6]) if found["port"] else _DEFAULT_PORTS[scheme]
    if not 1 <= port <= 65_535:
        raise InvalidTarget("not a URL to send to: a port lies between 1 and 65535")
    return Target(scheme, found["host"].lower(), port, found["path"] or "/", found["query"] or "")


def explain_unsendable(url: str) -> str | None:
    """The reason why a URL cannot be sent as it is written, with the place and what would be valid; None if
    it can.

    RFC 3986 forbids `[ ] { } | ^` and the backtick too, but they are common and servers accept them.
    """
    fault = _NEVER_VALID.search(url)
    if fault:
        return _unsendable_at(fault[0], fault.start() + 1)
    if url.endswith("?"):
        return "ends with an empty query, which is not sent: leave the question mark out"
    return None


def _unsendable_at(character: str, place: int) -> str:
    if character == "%":
        return f"has % without two hexadecimal digits at character {place}: a percent sign is written %25"
    if character == "\\" or not character.isprintable() or character.isspace():
        rule = "must have no blanks, control characters or backslashes"
    else:
        rule = 'must have visible ASCII characters alone, and none of ", < and >'
    encoded = "".join(f"%{byte:02X}" for byte in character.encode(errors="replace"))
    return f"{rule}: character {place} is {character!a}, which is written {encoded}"

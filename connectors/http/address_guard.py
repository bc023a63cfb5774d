"""Checks that webhooks go only to addresses that the deployment allows (protection against SSRF).

A subscriber chooses the URL, and the sink's network reaches hosts that the subscriber must not: metadata
services, databases. So each address is checked when it is dialled. A check when the URL is stored is not
enough, because a name may resolve to another address later (DNS rebinding).

    Retryable
    └── TargetRefused    before sending: nothing went out
"""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

from streams.errors import Retryable
from streams.settings import Network

Address = IPv4Address | IPv6Address

# Written out, because `ipaddress.is_global` changes with the Python release. The first match gives the
# reason.
_REFUSED: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "a cloud's metadata service",
        ("169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"),
    ),
    ("unspecified", ("0.0.0.0/8", "::")),
    ("loopback", ("127.0.0.0/8", "::1")),
    ("private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10")),
    ("shared by a carrier's customers (CGNAT)", ("100.64.0.0/10",)),
    ("link-local", ("169.254.0.0/16", "fe80::/10")),
    ("broadcast", ("255.255.255.255",)),
    ("multicast", ("224.0.0.0/4", "ff00::/8")),
    (
        "for documentation only",
        ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
    ),
    ("for benchmarks only", ("198.18.0.0/15", "2001:2::/48")),
    ("an IPv4 address inside an IPv6 one", ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96")),
    ("a tunnel's (6to4, Teredo)", ("192.88.99.0/24", "2002::/16", "2001::/32")),
    ("a translator's (NAT64, local use)", ("64:ff9b:1::/48",)),
    ("reserved", ("192.0.0.0/24", "240.0.0.0/4", "2001::/23", "100::/64", "5f00::/16")),
)
_NETWORKS = [(reason, ip_network(text)) for reason, texts in _REFUSED for text in texts]
_GLOBAL = ip_network("2000::/3")
# RFC 6052: behind NAT64 and DNS64 every IPv4 endpoint has such an address, so its IPv4 part is checked.
_NAT64 = ip_network("64:ff9b::/96")
# RFC 5214: ISATAP puts this mark before the IPv4 address, in any network. The masked bit says whether it is
# unique.
_ISATAP = 0x0000_5EFE
_LOCAL_BIT_ASIDE = 0xFDFF_FFFF
_LOW_32 = tuple(ip_network(text) for text in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96"))


class TargetRefused(Retryable):
    """The address may not be dialled, and nothing was sent.

    The message is shown to the subscriber, and does not say what the name resolves to in our network. `found`
    says that, for the sink's log."""

    def __init__(self, reason: str, found: str = "") -> None:
        super().__init__(reason)
        self.found = found


def refusal(address: Address, allowed: tuple[Network, ...]) -> str | None:
    """The reason why `address` may not be dialled, or None if it may. `allowed` networks win over refused
    ones."""
    inner = _embedded_ipv4(address)
    if is_inside(address, allowed):
        return None
    if inner is not None and address in _NAT64:
        return refusal(inner, allowed)
    if address.version == 6 and (int(address) >> 32) & _LOCAL_BIT_ASIDE == _ISATAP:
        return "a tunnel's (ISATAP)"
    for reason, network in _NETWORKS:
        if address in network:
            return reason
    return "reserved" if address.version == 6 and address not in _GLOBAL else None


def is_inside(address: Address, networks: tuple[Network, ...]) -> bool:
    """Whether the address, or the IPv4 address embedded in it, lies in one of the networks."""
    inner = _embedded_ipv4(address)
    return any(address in network or (inner is not None and inner in network) for network in networks)


def host_refusal(host: str, allowed: tuple[Network, ...]) -> str | None:
    """The reason why a URL's host may not be dialled, as far as its text shows. None for a name, which is
    still to be resolved.

    Decimal, octal, hexadecimal and short forms of addresses (2130706433, 0x7f.1, 127.1) are always refused.
    """
    try:
        address = ip_address(host.strip("[]").rstrip("."))
    except ValueError:
        return _disguise(host)
    reason = refusal(address, allowed)
    return f"{address} is {reason}" if reason else None


def dialled_refusal(address: str, allowed: tuple[Network, ...]) -> str | None:
    """The reason why `address` may not be dialled, or None. A name is refused here, because the library that
    dials it would resolve it again, without a check."""
    try:
        reason = refusal(ip_address(address), allowed)
    except ValueError:
        return f"{address!r} is no address"
    return f"{address} is {reason}" if reason else None


class GuardedResolver(AbstractResolver):
    """Resolves through `inner`, and refuses a name if any of its addresses is refused.

    One refused address is enough: a name with a public and a private address is taken for an attack.
    """

    def __init__(self, inner: AbstractResolver, allowed: tuple[Network, ...]) -> None:
        self._inner = inner
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises TargetRefused, or OSError where the name does not resolve."""
        reason = host_refusal(host, self._allowed)
        if reason:
            raise TargetRefused(reason)
        answers = await self._inner.resolve(host, port, family)
        if not answers:
            raise OSError(f"{host} has no address")
        for answer in answers:
            found = dialled_refusal(answer["host"], self._allowed)
            if found:
                raise TargetRefused(f"{host} leads to an address that webhooks may not be sent to", found)
        return answers

    async def close(self) -> None:
        await self._inner.close()


def guarded_sockets(allowed: tuple[Network, ...]) -> Callable[[AddrInfoType], socket.socket]:
    """A socket factory for aiohttp that makes no socket for a refused address.

    This is the last check. A host that is an address is never resolved, and the address checked here is the
    one that is dialled, however it was found.
    """

    def open_socket(target: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = target
        reason = dialled_refusal(str(address[0]), allowed)
        if reason:
            raise TargetRefused("an address that webhooks may not be sent to", reason)
        return socket.socket(family, kind, protocol)

    return open_socket


def _embedded_ipv4(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if any(address in network for network in _LOW_32):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.sixtofour or (address.teredo[1] if address.teredo else None)


def _disguise(host: str) -> str | None:
    try:
        meant = IPv4Address(socket.inet_aton(host))
    except OSError:
        return None
    return f"{host} stands for {meant}: write the address in full, or a name"

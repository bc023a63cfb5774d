"""No webhook reaches an address that only we can reach."""

import socket
from ipaddress import ip_address, ip_network

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from connectors.http.address_guard import (
    GuardedResolver,
    TargetRefused,
    guarded_sockets,
    host_refusal,
    refusal,
)
from streams.settings import Network

pytestmark = pytest.mark.anyio

REFUSED = {
    "0.0.0.0": "unspecified",  # noqa: S104
    "0.1.2.3": "unspecified",
    "10.0.0.1": "private",
    "100.64.0.1": "shared by a carrier's customers (CGNAT)",
    "100.127.255.255": "shared by a carrier's customers (CGNAT)",
    "100.100.100.200": "a cloud's metadata service",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "168.63.129.16": "a cloud's metadata service",
    "169.254.0.1": "link-local",
    "169.254.169.254": "a cloud's metadata service",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.8": "reserved",
    "192.0.2.1": "for documentation only",
    "192.88.99.1": "a tunnel's (6to4, Teredo)",
    "192.168.1.1": "private",
    "198.18.0.1": "for benchmarks only",
    "198.19.255.255": "for benchmarks only",
    "198.51.100.1": "for documentation only",
    "203.0.113.1": "for documentation only",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::1": "loopback",
    "::7f00:1": "an IPv4 address inside an IPv6 one",
    "::ffff:127.0.0.1": "an IPv4 address inside an IPv6 one",
    "::ffff:8.8.8.8": "an IPv4 address inside an IPv6 one",
    "::ffff:0:10.0.0.1": "an IPv4 address inside an IPv6 one",
    "64:ff9b::10.0.0.1": "private",
    "64:ff9b::169.254.169.254": "a cloud's metadata service",
    "64:ff9b:1::1": "a translator's (NAT64, local use)",
    "100::1": "reserved",
    "2001::7f00:1": "a tunnel's (6to4, Teredo)",
    "2001:2::1": "for benchmarks only",
    "2001:10::1": "reserved",
    "2001:db8::1": "for documentation only",
    "2606:4700::5efe:10.0.0.1": "a tunnel's (ISATAP)",
    "2606:4700::200:5efe:808:808": "a tunnel's (ISATAP)",
    "2002:a00:1::": "a tunnel's (6to4, Teredo)",
    "3fff::1": "for documentation only",
    "5f00::1": "reserved",
    "4000::1": "reserved",
    "fc00::1": "private",
    "fd00:ec2::254": "a cloud's metadata service",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "fec0::1": "private",
    "ff02::1": "multicast",
}
OPEN = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.0",
    "172.32.0.0",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "64:ff9b::8.8.8.8",
]
LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"),)


class Names(AbstractResolver):
    """A name server in memory: each lookup of any name takes the next list of addresses."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self.answers.pop(0)
        ]

    async def close(self) -> None:
        self.answers = []


@pytest.mark.parametrize(("address", "reason"), REFUSED.items())
def test_an_address_that_is_not_the_internets_is_refused_with_its_reason(address: str, reason: str) -> None:
    assert refusal(ip_address(address), ()) == reason


@pytest.mark.parametrize("address", OPEN)
def test_the_internet_is_open(address: str) -> None:
    assert refusal(ip_address(address), ()) is None


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("10.1.0.0/16", "10.1.2.3"),
        ("10.1.0.0/16", "::ffff:10.1.2.3"),
        ("10.1.0.0/16", "64:ff9b::10.1.2.3"),
        ("10.1.0.0/16", "2002:a01:203::"),
        ("169.254.169.254/32", "169.254.169.254"),
        ("fd00:1::/32", "fd00:1::5"),
    ],
)
def test_an_allowed_network_is_open_and_its_neighbours_are_not(network: str, address: str) -> None:
    allowed = (ip_network(network),)

    assert refusal(ip_address(address), allowed) is None
    for neighbour in ("10.2.0.1", "::ffff:10.2.0.1", "64:ff9b::10.2.0.1", "fd00:2::5", "169.254.169.253"):
        assert refusal(ip_address(neighbour), allowed) is not None


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "017700000001", "134744072"]
)
def test_an_address_in_disguise_is_refused_whatever_it_means(host: str) -> None:
    assert "write the address in full" in str(host_refusal(host, LOOPBACK))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1.", "[::1]", "::1"])
def test_a_host_that_is_an_address_is_judged_by_its_text(host: str) -> None:
    assert str(host_refusal(host, ())).endswith("is loopback")


def test_a_name_is_not_judged_before_it_resolves() -> None:
    assert host_refusal("localhost", ()) is None
    assert host_refusal("hooks.example.com", ()) is None


async def test_every_address_of_a_name_must_pass() -> None:
    resolver = GuardedResolver(Names(["8.8.8.8", "10.0.0.5"]), ())

    with pytest.raises(TargetRefused, match="leads to an address that webhooks may not"):
        await resolver.resolve("hooks.example.com", 443)


async def test_a_name_that_turns_private_is_refused_the_next_time() -> None:
    resolver = GuardedResolver(Names(["8.8.8.8"], ["169.254.169.254"]), ())

    first = await resolver.resolve("hooks.example.com", 443)

    assert [answer["host"] for answer in first] == ["8.8.8.8"]
    with pytest.raises(TargetRefused, match="leads to an address") as refused:
        await resolver.resolve("hooks.example.com", 443)
    assert "169.254" not in str(refused.value)
    assert refused.value.found == "169.254.169.254 is a cloud's metadata service"


@pytest.mark.parametrize("answer", ["localhost", "db.internal", "", "127.1", "8.8.8.8.evil.example"])
async def test_a_resolver_that_answers_a_name_is_not_followed(answer: str) -> None:
    resolver = GuardedResolver(Names([answer]), LOOPBACK)

    with pytest.raises(TargetRefused, match="leads to an address") as refused:
        await resolver.resolve("hooks.example.com", 443)
    assert refused.value.found == f"{answer!r} is no address"


def test_no_socket_is_made_for_a_name() -> None:
    opened = guarded_sockets(LOOPBACK)

    with pytest.raises(TargetRefused):
        opened((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("localhost", 80)))


async def test_an_allowed_network_may_be_named() -> None:
    resolver = GuardedResolver(Names(["127.0.0.1"]), LOOPBACK)

    assert [answer["host"] for answer in await resolver.resolve("till.internal", 80)] == ["127.0.0.1"]


async def test_a_name_without_an_address_does_not_resolve() -> None:
    resolver = GuardedResolver(Names([]), ())

    with pytest.raises(OSError, match="has no address"):
        await resolver.resolve("hooks.example.com", 443)


async def test_a_disguised_address_never_reaches_the_name_server() -> None:
    names = Names(["8.8.8.8"])

    with pytest.raises(TargetRefused):
        await GuardedResolver(names, LOOPBACK).resolve("0x7f.1", 80)

    assert names.answers == [["8.8.8.8"]]


def test_no_socket_is_made_for_a_refused_address() -> None:
    opened = guarded_sockets(LOOPBACK)

    opened((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))).close()
    for address in ("10.0.0.1", "2130706433"):
        with pytest.raises(TargetRefused):
            opened((socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)))

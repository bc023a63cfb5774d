"""URLs that a webhook may be sent to."""

from ipaddress import ip_network

import pytest

from tests.api.conftest import PATH, Door, complaints


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/hook?a=1&b=%20",
        "http://shop.example:8080",
        "https://93.184.216.34/",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/x",
        "https://a_b.example./",
        "https://shop.example/@me",
        "https://Shop.Example/",
    ],
)
def test_a_public_target_is_stored_as_it_was_written(door: Door, url: str) -> None:
    assert door.get(f"{PATH}/{door.subscribed(url=url)}")["url"] == url


def test_a_name_in_another_script_is_stored_in_its_ascii_form(door: Door) -> None:
    made = door.subscribed(url="https://bücher.example:80/%c3%a4")

    assert door.get(f"{PATH}/{made}")["url"] == "https://xn--bcher-kva.example:80/%c3%a4"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://shop.example/", "must begin with http"),
        ("shop.example/hook", "must begin with http"),
        ("//shop.example/", "must begin with http"),
        ("", "must begin with http"),
        ("http:///x", "must name a host"),
        ("http://a..b/", "must name a host"),
        ("http://-a.example/", "must name a host"),
        ("http://a%20b/", "must name a host"),
        ("http://[fe80::1%25eth0]/", "must name a host"),
        ("http://" + "a" * 64 + ".example/", "must name a host"),
        ("https://me:s3cret@shop.example/", "must hold no user name"),
        ("https://@shop.example/", "must hold no user name"),
        ("https://shop.example/#top", "must have no fragment"),
        ("https://shop.example:0/", "must have a port"),
        ("https://shop.example:65536/", "must have a port"),
        ("https://shop.example:x/", "is no URL"),
        ("https://sh op.example/", "must have no blanks"),
        ("https://shop.example/\r\nX: 1", "must have no blanks"),
        ("http://shop.example\\@evil.example/", "must hold no user name"),
        ("http://shop.example\\evil.example/", "must have no blanks, control characters or backslashes"),
        ("https://shop.example/" + "a" * 2048, "has 2069 characters, at most 2048"),
        ("https://shop.example/ä", "character 22 is '\\xe4', which is written %C3%A4"),
        ("https://shop.example/a b", "character 23 is ' ', which is written %20"),
        ('https://shop.example/"x"', "none of \", < and >: character 22 is '\"', which is written %22"),
        ("https://shop.example/?a=%zz", "has % without two hexadecimal digits at character 25"),
        ("https://shop.example/?a=%", "a percent sign is written %25"),
        ("https://shop.example/a?", "ends with an empty query"),
        ("http://127.0.0.1:9092/", "127.0.0.1 is loopback"),
        ("http://[::1]/", "::1 is loopback"),
        ("http://[::ffff:10.0.0.1]/", "may not be a target"),
        ("http://10.1.2.3/", "10.1.2.3 is private"),
        ("http://192.168.0.1./", "192.168.0.1 is private"),
        ("http://169.254.169.254/latest/meta-data", "metadata service"),
        ("http://127。0。0。1/", "127.0.0.1 is loopback"),
        ("http://2130706433/", "stands for 127.0.0.1"),
        ("http://0x7f.1/", "stands for 127.0.0.1"),
        ("http://localhost:8080/", "localhost is loopback"),
        ("http://LOCALHOST./", "is loopback"),
        ("http://api.localhost/", "is loopback"),
    ],
)
def test_any_other_target_is_refused_with_the_reason(door: Door, url: str, reason: str) -> None:
    answer = door.post(url=url)

    assert reason in complaints(answer)["webhookSubscription.url"]
    assert "s3cret" not in answer.text


def test_replacing_is_no_way_around(door: Door) -> None:
    made = door.subscribed()

    assert complaints(door.put(made, url="http://localhost/"))


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/", "http://localhost:8080/"])
def test_a_private_network_that_is_allowed_is_a_target(url: str) -> None:
    assert Door(allowed=(ip_network("127.0.0.0/8"),)).post(url=url).status_code == 200


def test_allowing_one_network_allows_no_other() -> None:
    assert Door(allowed=(ip_network("127.0.0.0/8"),)).post(url="http://10.0.0.1/").status_code == 400

"""An endpoint that gives back what it was sent puts no secret into what is kept of its answer."""

import base64
import html
import json
from collections.abc import Callable
from contextlib import aclosing
from ipaddress import ip_network
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from connectors.http.attempt_sender import AttemptSender
from connectors.http.excerpts import MASK, SecretMask, escape_controls
from connectors.http.sender import Answer, HttpSender
from connectors.http.signing_keys import new_secret
from streams.delivery.records import Attempt, DeadLetter, EndpointStatus, Header, Subscription
from tests.connectors.fakes import FakeSender, Sent, always, answered, failed
from tests.connectors.servers import served
from tests.connectors.sink_driver import FIRST, Sink, delivery
from tests.connectors.test_courier import DELIVERY, OAUTH, SAFE, TO, TOKEN_URL, signing_key, with_auth
from tests.samples import NOON, uid

pytestmark = pytest.mark.anyio

SECRETS = [
    's3cr3t/va+lue "x"&<y>',
    "pa55wörd☃😀\\z",
    "Bearer abcdef123456",
    "%2Fpercent%41%zz",
    "whsec_abcdefABCDEF=+/x",
    "tail\\n\\u0041&amp;",
    "plain-enough",
]


def _net(text: str) -> str:
    return "".join(f"\\u{ord(c):04X}" if c in "\"&<>+'" else c for c in text)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda s: s,
    "JSON": lambda s: json.dumps(s)[1:-1],
    "JSON beyond ASCII": lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    "JSON in JSON": lambda s: json.dumps(json.dumps(s)),
    "JSON as PHP writes it": lambda s: json.dumps(s)[1:-1].replace("/", "\\/"),
    "JSON as .NET writes it": _net,
    "in a path": quote,
    "in a query": lambda s: quote(s, safe=""),
    "in a form": quote_plus,
    "in a query of a query": lambda s: quote(quote(s, safe=""), safe=""),
    "in lower case hexadecimal": lambda s: quote(s, safe="").replace("%2F", "%2f").replace("%5C", "%5c"),
    "HTML": html.escape,
    "HTML by numbers": lambda s: "".join(f"&#{ord(c)};" for c in s),
    "base64": _base64,
    "base64 for URLs": lambda s: base64.urlsafe_b64encode(s.encode()).decode().rstrip("="),
    "base64 in JSON": lambda s: _base64(s).replace("/", "\\/"),
    "base64 in a query": lambda s: quote(_base64(s), safe=""),
    "hexadecimal": lambda s: s.encode().hex(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_blanked_however_it_is_written(secret: str, form: str) -> None:
    written = FORMS[form](secret)

    told = SecretMask([secret, "other-secret"]).blanked(f'{{"you": "sent {written}", "as": "header"}}')

    assert written not in told
    assert MASK in told
    assert told.startswith('{"you": "sent ')
    assert told.endswith('", "as": "header"}')


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_within_something_that_is_encoded_whole_is_blanked(secret: str, before: str) -> None:
    written = _base64(f"{before}{secret} and more")

    told = SecretMask([secret]).blanked(written)

    # Of the first and the last characters, what stands beside the secret has a part in.
    assert written[6:-14] not in told
    assert MASK in told


@pytest.mark.parametrize("form", ["as it is", "JSON", "in a query", "base64", "HTML by numbers"])
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_that_the_end_of_the_text_cuts_off_is_blanked(secret: str, form: str) -> None:
    written = FORMS[form](secret)

    for end in range(len(written)):
        told = SecretMask([secret]).blanked(f"you sent: {written[:end]}")
        # What is left is too little to be of use, or cannot be told from anything else.
        left = told.removeprefix("you sent: ").replace(MASK, "")
        assert len(left) < 30 if form == "HTML by numbers" else len(left) <= 9


def test_a_short_secret_is_blanked_as_a_word_alone() -> None:
    blanking = SecretMask(["a", "pw1"])

    assert blanking.blanked('{"a": "an apple", "b": "pw1", "c": "xpw1"}') == (
        '{"***": "an apple", "b": "***", "c": "xpw1"}'
    )


@given(st.lists(st.text(min_size=1, max_size=20), max_size=4), st.text(max_size=200), st.data())
def test_no_secret_is_ever_left(secrets: list[str], text: str, data: st.DataObject) -> None:
    for secret in secrets:
        at = data.draw(st.integers(0, len(text)))
        text = f"{text[:at]} {secret} {text[at:]}"

    told = SecretMask(secrets).blanked(text)

    assert not [s for s in secrets if len(s.encode(errors="surrogatepass")) >= 6 and s.strip() and s in told]


def test_a_text_without_secrets_stays_as_it_is() -> None:
    text = '{"error": "no such hook", "path": "/a%20b", "x": "\\u0041&amp;"}'

    assert SecretMask(SECRETS).blanked(text) == text
    assert SecretMask([]).blanked(text) == text


def test_what_acts_on_a_screen_is_written_out() -> None:
    assert escape_controls("a\x1b[31m\r\nb\u202ec\udce9\x00é") == "a\\x1b[31m\\r\\nb\\u202ec\\udce9\\x00é"


BASIC = with_auth("basic", username="shop-user", password="correct horse&battery")
HEADERS = replace(
    TO,
    headers=(
        Header(name="X-Key", value="", sealed=SAFE.seal("Token k3y/with+signs")),
        Header(name="X-Plain", value="plain-value-1"),
        Header(name="Cookie", value="", sealed=SAFE.seal("session=c00kie-jar; theme=x")),
        Header(name="X-Basic", value="", sealed=SAFE.seal(f"Basic {_base64('me:hunter2-hunter2')}")),
    ),
)
SECRET = new_secret("hmac")
SIGNED = replace(TO, signing="standard", signing_keys=(signing_key(SECRET),))
BEARER = with_auth("bearer", token="t0ken-of-a-bearer")
BY_URL = replace(TO, url="http://shop.test/hook?sig=rX7A%2FXCC2w3D&x=1")
CASES: list[tuple[Subscription, list[str]]] = [
    (BASIC, ["shop-user", "correct horse&battery", "shop-user:correct horse&battery"]),
    (HEADERS, ["Token k3y/with+signs", "k3y/with+signs", "plain-value-1", "c00kie-jar", "hunter2-hunter2"]),
    (SIGNED, [SECRET, SECRET.removeprefix("whsec_")]),
    (BEARER, ["t0ken-of-a-bearer"]),
    (OAUTH, ["acc3ss-token-1", "s p&ce", "shop:1:s p&ce"]),
    (BY_URL, ["rX7A%2FXCC2w3D", "rX7A/XCC2w3D"]),
]


class Echo:
    """Gives everything back in every form; takes no token the first time."""

    def __init__(self, secrets: list[str], status: int) -> None:
        self.tokens, self.status = 0, status
        self.said = "\n".join(f"{form(s)} ." for s in secrets for form in FORMS.values())

    async def __call__(self, sent: Sent) -> Answer:
        head = "\r\n".join(f"{name}: {value}" for name, value in sent.headers.items())
        return answered(self.status, f"{sent.url}\r\n{head}\r\n{self.said}")

    async def token(self, _: Sent) -> Answer:
        self.tokens += 1
        return answered(200, msgspec.json.encode({"access_token": f"acc3ss-token-{self.tokens}"}).decode())


@pytest.mark.parametrize("status", [200, 401, 500])
@pytest.mark.parametrize(("to", "secrets"), CASES)
async def test_an_endpoint_that_echoes_leaves_no_secret_in_its_answer(
    to: Subscription, secrets: list[str], status: int
) -> None:
    echo = Echo(secrets, status)

    answer = await AttemptSender(FakeSender(echo, {TOKEN_URL: echo.token}), SAFE).send(
        DELIVERY, to, uid(42), NOON
    )

    assert answer.status == status
    assert MASK in answer.response
    assert [s for s in secrets for form in FORMS.values() if form(s) in answer.response] == []
    assert "hunter2" not in answer.response


async def test_of_a_basic_authorization_nothing_is_left() -> None:
    async def echo(sent: Sent) -> Answer:
        return answered(200, f"you sent: {sent.headers['authorization']}")

    answer = await AttemptSender(FakeSender(echo), SAFE).send(DELIVERY, BASIC, uid(42), NOON)

    assert answer.response == f"you sent: Basic {MASK}"


async def test_both_tokens_of_an_attempt_are_blanked() -> None:
    echo = Echo(["acc3ss-token-1", "acc3ss-token-2"], 401)

    answer = await AttemptSender(FakeSender(echo, {TOKEN_URL: echo.token}), SAFE).send(
        DELIVERY, OAUTH, uid(42), NOON
    )

    assert echo.tokens == 2
    assert "acc3ss" not in answer.response


async def test_no_secret_gets_from_an_echo_onto_a_topic() -> None:
    password = "correct horse&battery"
    sender = FakeSender(
        always(answered(404, f'{{"you": "{_base64("me:" + password)}", "or": "{password}"}}'))
    )
    sink = Sink(sender, safe=SAFE)
    secret = msgspec.json.encode({"username": "me", "password": password}).decode()
    sink.change(FIRST, auth=replace(BASIC.auth, secret=SAFE.seal(secret)), retry_waits=())  # type: ignore[type-var]
    sink.arrive(delivery(1))

    for _ in range(8):
        await sink.until(sink.now.replace(day=sink.now.day + 1))

    written = [v for v in sink.written if isinstance(v, Attempt | DeadLetter | EndpointStatus)]
    assert len(sink.dead()) == 1
    assert password not in repr(written)
    assert _base64("me:" + password) not in repr(written)


async def test_no_secret_is_left_in_the_words_of_a_failure() -> None:
    to = with_auth("bearer", token="t0ken-of-a-bearer")
    sender = FakeSender(
        always(failed("the answer is not HTTP: b'Bearer t0ken-of-a-bearer'", "after sending"))
    )

    answer = await AttemptSender(sender, SAFE).send(DELIVERY, to, uid(42), NOON)

    assert answer.error == f"the answer is not HTTP: b'Bearer {MASK}'"


async def test_over_real_http_an_echo_is_blanked_where_the_kept_part_ends_too() -> None:
    async def echo(sent: Sent) -> Answer:
        return answered(200, "x" * (4096 - 60) + sent.headers["authorization"] * 3)

    sender = HttpSender(timeout=5, allowed=(ip_network("127.0.0.1/32"),))
    async with served(echo) as url, aclosing(sender):
        to = replace(BEARER, url=url)
        answer = await AttemptSender(sender, SAFE).send(DELIVERY, to, uid(42), NOON)

    assert answer.status == 200
    assert "t0ken" not in answer.response

"""What an endpoint gets is signed, authenticated and complete, or nothing is sent."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from connectors.http.attempt_sender import AttemptSender, check_keys
from connectors.http.sender import Answer
from connectors.http.signing_keys import new_secret
from streams.delivery.records import Delivery, Header, Subscription
from streams.delivery.subscription_options import Auth, AuthKind, SigningKey
from streams.errors import Misconfigured
from streams.secrets.sealing import SecretSealer, new_key
from tests.connectors.certificates import Authority
from tests.connectors.fakes import Endpoint, FakeSender, Sent, answered, failed
from tests.samples import ANNA, NOON, STORE, subscription, uid

pytestmark = pytest.mark.anyio

SAFE = SecretSealer([new_key()])
NOW = datetime.now(UTC)
URL = "http://shop.test/hook"
TOKEN_URL = "http://login.test/token"
TO = replace(subscription("CustomerUpdated"), url=URL)
DELIVERY = Delivery(
    delivery_id=uid(40),
    subscription_id=TO.subscription_id,
    webhook_event_id=uid(41),
    event_name="CustomerUpdated",
    store=STORE,
    member_id=ANNA,
    created_at=NOON,
    legacy=False,
    data="{}",
)


def signing_key(secret: str, version: int = 1, expires_at: datetime | None = None) -> SigningKey:
    return SigningKey(
        kind="hmac", version=version, secret=SAFE.seal(secret), created_at=NOON, expires_at=expires_at
    )


def with_auth(kind: AuthKind, **secret: str) -> Subscription:
    return replace(TO, auth=Auth(kind=kind, secret=SAFE.seal(msgspec.json.encode(secret).decode())))


OAUTH = with_auth(
    "oauth2", token_url=TOKEN_URL, client_id="shop:1", client_secret="s p&ce", scope="hooks write"
)


async def sent(
    to: Subscription, sender: FakeSender | None = None, safe: SecretSealer = SAFE, at: datetime = NOW
) -> tuple[Answer, Sequence[Sent]]:
    sender = sender or FakeSender()
    answer = await AttemptSender(sender, safe).send(DELIVERY, to, uid(42), at)
    return answer, sender.sent


async def test_without_more_being_asked_a_request_is_the_body_and_its_headers() -> None:
    answer, (request,) = await sent(TO)

    assert answer.status == 200
    assert set(request.headers) == {"content-type", "user-agent"}
    assert request.url == URL


async def test_every_live_key_signs_and_an_expired_one_no_longer_does() -> None:
    now = datetime.now(UTC)
    old, new, gone = new_secret("hmac"), new_secret("hmac"), new_secret("hmac")
    keys = (
        signing_key(gone, 1, expires_at=now),
        signing_key(old, 2, expires_at=now + timedelta(seconds=1)),
        signing_key(new, 3),
    )

    _, (request,) = await sent(replace(TO, signing="standard", signing_keys=keys), at=now)

    for live in (old, new):
        assert Webhook(live).verify(request.body, request.headers)["messageId"] == uid(40)
    with pytest.raises(WebhookVerificationError):
        Webhook(gone).verify(request.body, request.headers)
    assert request.headers["webhook-id"] == uid(40)


async def test_a_retry_and_its_first_attempt_have_one_id_and_each_its_own_time() -> None:
    now, secret = datetime.now(UTC), new_secret("hmac")
    to = replace(TO, signing="standard", signing_keys=(signing_key(secret),))
    sender = FakeSender()
    attempt_sender = AttemptSender(sender, SAFE)

    await attempt_sender.send(DELIVERY, to, uid(42), now - timedelta(minutes=1))
    await attempt_sender.send(DELIVERY, to, uid(43), now)

    first, second = sender.sent
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 60
    Webhook(secret).verify(first.body, first.headers)
    Webhook(secret).verify(second.body, second.headers)


async def test_the_original_platforms_headers_are_of_the_newest_key_alone() -> None:
    keys = (signing_key(new_secret("hmac"), 8), signing_key(new_secret("hmac"), 7, NOW + timedelta(1)))

    _, (request,) = await sent(replace(TO, signing="original", signing_keys=keys))

    assert request.headers["x-webhook-signature-version"] == "8"
    assert request.headers["x-webhook-request-id"] == uid(42)
    assert len(request.headers["x-webhook-signature"]) == 64


@pytest.mark.parametrize("to", [replace(TO, signing="standard"), replace(TO, signing="original")])
async def test_nothing_goes_out_unsigned_where_a_signature_was_asked_for(to: Subscription) -> None:
    expired = replace(to, signing_keys=(signing_key(new_secret("hmac"), expires_at=NOW),))

    answer, requests = await sent(expired)

    assert not requests
    assert (answer.status, answer.phase) == (None, "before sending")
    assert "key to sign with is live" in str(answer.error)


async def test_a_sealed_header_is_opened_for_the_endpoint() -> None:
    header = Header(name="X-Api-Key", value="", sealed=SAFE.seal("hunter2"))

    _, (request,) = await sent(replace(TO, headers=(header,)))

    assert request.headers["x-api-key"] == "hunter2"


async def test_a_secret_that_cannot_be_opened_is_a_failure_before_sending() -> None:
    header = Header(name="X-Api-Key", value="", sealed=SAFE.seal("hunter2"))

    answer, requests = await sent(replace(TO, headers=(header,)), safe=SecretSealer([new_key()]))

    assert not requests
    assert answer.phase == "before sending"
    assert "LOYALTY_SECRET_KEY does not hold" in str(answer.error)


@pytest.mark.parametrize(
    ("to", "authorization"),
    [
        (with_auth("basic", username="shop", password="pässword"), "Basic c2hvcDpww6Rzc3dvcmQ="),
        (with_auth("bearer", token="abc.def"), "Bearer abc.def"),
    ],
)
async def test_a_fixed_authorization_replaces_the_subscribers_own(
    to: Subscription, authorization: str
) -> None:
    own = Header(name="AUTHORIZATION", value="Bearer mine")

    _, (request,) = await sent(replace(to, headers=(own,)))

    assert request.headers["authorization"] == authorization


@pytest.mark.parametrize(
    ("to", "complaint"),
    [
        (with_auth("basic", username="a:b", password="hunter2"), "username has a colon"),
        (with_auth("basic", username="shop"), "missing required field `password`"),
        (with_auth("bearer", token="hunter2\r\nX: y"), "token must be visible ASCII"),
        (
            with_auth("oauth2", token_url="ftp://x", client_id="a", client_secret="hunter2"),
            "token_url must be",
        ),
        (with_auth("mtls", certificate="hunter2", key="hunter2"), "certificate is no certificate"),
        (replace(TO, auth=Auth(kind="bearer", secret=SAFE.seal("hunter2"))), "JSON is malformed"),
    ],
)
async def test_credentials_that_are_none_are_told_without_being_shown(
    to: Subscription, complaint: str
) -> None:
    answer, requests = await sent(to)

    assert not requests
    assert complaint in str(answer.error)
    assert "hunter2" not in str(answer.error)


class TokenServer:
    """Gives token-1, token-2, …; an endpoint beside it takes those in `good`."""

    def __init__(self, expires_in: object = 3600) -> None:
        self.requests: list[Sent] = []
        self.expires_in = expires_in
        self.good = {"token-1"}
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()
        self.may_answer.set()

    async def token(self, request: Sent) -> Answer:
        self.requests.append(request)
        number = len(self.requests)
        self.asked.set()
        await self.may_answer.wait()
        body = {"access_token": f"token-{number}", "token_type": "Bearer", "expires_in": self.expires_in}
        return answered(200, msgspec.json.encode(body).decode())

    async def hook(self, request: Sent) -> Answer:
        token = request.headers["authorization"].removeprefix("Bearer ")
        return answered(200 if token in self.good else 401)

    def sender(self, token: Endpoint | None = None) -> FakeSender:
        return FakeSender(self.hook, {TOKEN_URL: token or self.token})


async def test_a_token_is_fetched_once_and_shown_with_every_request() -> None:
    server = TokenServer()
    attempt_sender = AttemptSender(server.sender(), SAFE)

    answers = [await attempt_sender.send(DELIVERY, OAUTH, uid(42), NOW) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 200]
    (request,) = server.requests
    # RFC 6749, 2.3.1: both halves are form-encoded first.
    assert request.headers["authorization"] == "Basic c2hvcCUzQTE6cytwJTI2Y2U="
    assert request.body == b"grant_type=client_credentials&scope=hooks+write"


async def test_all_that_need_a_token_wait_for_the_same_fetch() -> None:
    server = TokenServer()
    server.may_answer.clear()
    attempt_sender = AttemptSender(server.sender(), SAFE)

    waiting = [asyncio.create_task(attempt_sender.send(DELIVERY, OAUTH, uid(42), NOW)) for _ in range(20)]
    await server.asked.wait()
    # One that is cut off takes the fetch from nobody else.
    waiting.pop(0).cancel()
    server.may_answer.set()

    assert {answer.status for answer in await asyncio.gather(*waiting)} == {200}
    assert len(server.requests) == 1


async def test_a_token_is_fetched_anew_before_it_ends() -> None:
    server = TokenServer(expires_in="600")
    server.good = {"token-1", "token-2"}
    attempt_sender = AttemptSender(server.sender(), SAFE)

    for seconds in (0, 569, 570, 1139):
        await attempt_sender.send(DELIVERY, OAUTH, uid(42), NOW + timedelta(seconds=seconds))

    assert len(server.requests) == 2


async def test_a_token_that_was_ended_early_is_replaced_within_the_attempt() -> None:
    server = TokenServer()
    attempt_sender = AttemptSender(server.sender(), SAFE)
    assert (await attempt_sender.send(DELIVERY, OAUTH, uid(42), NOW)).status == 200

    server.good = {"token-2"}
    answer = await attempt_sender.send(DELIVERY, OAUTH, uid(43), NOW)

    assert answer.status == 200
    assert len(server.requests) == 2


async def test_an_endpoint_that_takes_no_token_is_asked_twice_and_no_more() -> None:
    server = TokenServer()
    server.good = set()
    sender = server.sender()

    answer, requests = await sent(OAUTH, sender)

    assert answer.status == 401
    assert [request.url for request in requests] == [TOKEN_URL, URL, TOKEN_URL, URL]


@pytest.mark.parametrize(
    ("token_server", "error"),
    [
        (answered(400, '{"error":"invalid_client","error_description":"hunter2"}'), "400 invalid_client"),
        (answered(500, "hunter2"), "answered 500"),
        (answered(200, '{"token":"hunter2"}'), "no access_token"),
        (answered(200, '{"access_token":"hunter2\\r\\nX: y"}'), "no access_token"),
        (answered(200, '{"access_token":"hunter2","token_type":"mac"}'), "not of type Bearer"),
        (failed("refused address: 10.0.0.1 is private"), "10.0.0.1 is private"),
    ],
)
async def test_without_a_token_nothing_is_sent_and_the_reason_is_told_without_a_secret(
    token_server: Answer, error: str
) -> None:
    async def token(_: Sent) -> Answer:
        return token_server

    answer, requests = await sent(OAUTH, TokenServer().sender(token))

    assert [request.url for request in requests] == [TOKEN_URL]
    assert (answer.status, answer.phase, answer.response) == (None, "before sending", "")
    assert str(answer.error).startswith("no access token from login.test: ")
    assert error in str(answer.error)
    assert "hunter2" not in str(answer.error)


async def test_after_a_failed_fetch_the_next_attempt_fetches_again() -> None:
    server = TokenServer()
    sender = server.sender()
    attempt_sender = AttemptSender(sender, SAFE)

    async def away(_: Sent) -> Answer:
        return answered(503)

    sender.by_url[TOKEN_URL] = away
    assert (await attempt_sender.send(DELIVERY, OAUTH, uid(42), NOW)).status is None
    sender.by_url[TOKEN_URL] = server.token

    assert (await attempt_sender.send(DELIVERY, OAUTH, uid(43), NOW)).status == 200


async def test_a_client_certificate_is_not_shown_without_tls(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("client")

    answer, requests = await sent(with_auth("mtls", certificate=pair.certificate, key=pair.key))

    assert not requests
    assert "https address alone" in str(answer.error)


def test_a_sink_that_cannot_open_what_it_needs_does_not_start() -> None:
    secret = SAFE.seal("x")
    header = replace(TO, headers=(Header(name="X-Key", value="", sealed=secret),))
    signed = replace(TO, signing_keys=(signing_key(new_secret("hmac")),))
    shown = replace(TO, auth=Auth(kind="bearer", secret=secret))

    check_keys(iter([TO]), SecretSealer())
    check_keys(iter([header, signed, shown]), SAFE)
    for needs in (header, signed, shown):
        with pytest.raises(Misconfigured, match=r"1 subscriptions have secrets.* is not set"):
            check_keys(iter([TO, needs]), SecretSealer())
        with pytest.raises(Misconfigured, match="does not hold the key"):
            check_keys(iter([TO, needs]), SecretSealer([new_key()]))

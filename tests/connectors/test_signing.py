"""Signatures, checked by the receivers' own library and by a receiver written from the description."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from connectors.http.signing import sign_original, sign_standard
from connectors.http.signing_keys import Ed25519Key, HmacKey, new_secret, read_key
from connectors.http.urls import target

BODY = '{"a":"é"}'.encode()
MESSAGE = "00000000-0000-4000-8000-000000000040"
THEN = datetime(2024, 3, 3, 12, 51, 38, 900_000, tzinfo=UTC)


def signed_by(*secrets: str, at: datetime | None = None) -> dict[str, str]:
    return sign_standard(MESSAGE, at or datetime.now(UTC), BODY, [read_key(secret) for secret in secrets])


def test_a_receiver_with_the_standard_library_accepts_what_we_sign() -> None:
    secret = new_secret("hmac")

    assert Webhook(secret).verify(BODY, signed_by(secret)) == {"a": "é"}


def test_while_two_secrets_are_live_either_is_enough() -> None:
    old, new = new_secret("hmac"), new_secret("hmac")
    headers = signed_by(old, new)

    assert Webhook(old).verify(BODY, headers) == Webhook(new).verify(BODY, headers) == {"a": "é"}
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(BODY, signed_by(old))


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        (b'{"a":"e"}', {}),
        (BODY, {"webhook-id": "00000000-0000-4000-8000-000000000041"}),
        (BODY, {"webhook-timestamp": "1709470298"}),
    ],
)
def test_nothing_of_what_is_signed_can_be_changed(body: bytes, changed: dict[str, str]) -> None:
    secret = new_secret("hmac")

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, signed_by(secret) | changed)


def test_an_old_request_cannot_be_played_again() -> None:
    secret = new_secret("hmac")
    old = signed_by(secret, at=datetime.now(UTC) - timedelta(minutes=6))

    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(BODY, old)


def test_a_shared_secret_and_a_private_key_sign_side_by_side() -> None:
    shared, private = new_secret("hmac"), new_secret("ed25519")
    headers = signed_by(shared, private)
    ours = read_key(private)
    assert isinstance(ours, Ed25519Key)

    first, second = headers["webhook-signature"].split(" ")
    content = f"{MESSAGE}.{headers['webhook-timestamp']}.".encode() + BODY
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(ours.public.removeprefix("whpk_")))
    public.verify(base64.b64decode(second.removeprefix("v1a,")), content)
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(second.removeprefix("v1a,")), content + b" ")
    assert first.startswith("v1,")
    assert Webhook(shared).verify(BODY, headers) == {"a": "é"}


def test_a_known_content_has_a_known_signature() -> None:
    headers = sign_standard("msg_1", THEN, b"{}", [read_key("whsec_" + base64.b64encode(b"k" * 32).decode())])

    expected = hmac.new(b"k" * 32, b"msg_1.1709470298.{}", hashlib.sha256).digest()
    assert headers == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1709470298",
        "webhook-signature": f"v1,{base64.b64encode(expected).decode()}",
    }


def test_a_private_key_may_come_with_its_public_half_or_without() -> None:
    whole = new_secret("ed25519")
    half = "whsk_" + base64.b64encode(base64.b64decode(whole.removeprefix("whsk_"))[:32]).decode()
    one, other = read_key(whole), read_key(half)

    assert isinstance(one, Ed25519Key)
    assert isinstance(other, Ed25519Key)
    assert one.public == other.public
    assert base64.b64decode(whole.removeprefix("whsk_"))[32:] == base64.b64decode(one.public[5:])


@pytest.mark.parametrize(
    ("secret", "complaint"),
    [
        ("c2VjcmV0", "begins with whsec_ or whsk_"),
        ("whsec_!!!", "is base64"),
        ("whsec_" + base64.b64encode(b"x" * 23).decode(), "24 to 64 bytes, not 23"),
        ("whsec_" + base64.b64encode(b"x" * 65).decode(), "24 to 64 bytes, not 65"),
        ("whsk_" + base64.b64encode(b"x" * 31).decode(), "32 bytes"),
    ],
)
def test_a_secret_that_is_none_is_refused_and_not_shown(secret: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as refused:
        read_key(secret)

    assert secret not in str(refused.value)


def test_a_key_does_not_show_its_secret() -> None:
    assert repr(read_key(new_secret("ed25519"))) == "Ed25519Key()"
    assert repr(read_key(new_secret("hmac"))) == "HmacKey()"


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://Shop.example:8443/hooks/%C5%82%c3%B3?a=b", "12:shop.example", "19:/hooks/%C5%82%c3%B3"),
        ("http://[2001:DB8::1]:8080/%7Ea//b/?", "13:[2001:db8::1]", "9:/%7Ea//b/"),
        ("https://shop.example", "12:shop.example", "1:/"),
    ],
)
def test_the_original_platforms_signature_is_over_six_lines(url: str, host: str, path: str) -> None:
    ours = read_key("whsec_" + base64.b64encode(b"k" * 32).decode())
    assert isinstance(ours, HmacKey)

    headers = sign_original(target(url), MESSAGE, THEN, BODY, key=ours, version=3)

    digest = hashlib.sha256(BODY).hexdigest()
    content = f"POST\n{host}\n{path}\n{digest}\n1709470298\n{MESSAGE}"
    # The text behind `whsec_` is the key, not what it stands for in base64.
    expected = hmac.new(base64.b64encode(b"k" * 32), content.encode(), hashlib.sha256)
    assert headers == {
        "X-Webhook-Signature": expected.hexdigest(),
        "X-Webhook-Signature-Algorithm": "hmac-sha256",
        "X-Webhook-Timestamp": "1709470298",
        "X-Webhook-Request-Id": MESSAGE,
        "X-Webhook-Signature-Version": "3",
    }

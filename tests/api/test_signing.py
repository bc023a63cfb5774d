"""A secret that is made here signs what goes out, and is kept sealed."""

from base64 import b64decode
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook

from api.services.signing_keys import SealedKeys
from connectors.http.attempt_sender import sealed_secrets_of
from tests.api.conftest import PATH, SAFE, Door, complaints


def test_a_receiver_can_check_what_is_sent_with_the_secret_that_was_told() -> None:
    door = Door(signer=SealedKeys(SAFE))
    body = {"webhookSubscription": {"eventName": "CustomerUpdated", "url": "https://shop.example/hook"}}
    body["webhookSubscription"]["signing"] = "standard"
    told = door.call("POST", PATH, json=body).json()

    tested = door.call("POST", f"{PATH}/{told['webhookSubscriptionId']}/test")

    assert tested.status_code == 200
    (sent,) = door.endpoints.sent
    message_id, at = sent.headers["webhook-id"], int(sent.headers["webhook-timestamp"])
    moment = datetime.fromtimestamp(at, UTC)
    expected = Webhook(told["secret"]).sign(message_id, moment, sent.body.decode())
    assert sent.headers["webhook-signature"] == expected
    kept = door.index.get(told["webhookSubscriptionId"])
    assert kept
    assert [SAFE.open(sealed) for sealed in sealed_secrets_of(kept)] == [told["secret"]]
    assert told["secret"] not in repr(kept)


def test_a_private_key_stays_here_and_its_public_half_verifies_what_is_sent() -> None:
    door = Door(signer=SealedKeys(SAFE))
    body = {"eventName": "CustomerUpdated", "url": "https://shop.example/hook"}
    signing = {"signing": "standard", "signingKey": "ed25519"}
    told = door.call("POST", PATH, json={"webhookSubscription": body | signing}).json()

    door.call("POST", f"{PATH}/{told['webhookSubscriptionId']}/test")

    (sent,) = door.endpoints.sent
    public = Ed25519PublicKey.from_public_bytes(b64decode(told["publicKey"].removeprefix("whpk_")))
    content = f"{sent.headers['webhook-id']}.{sent.headers['webhook-timestamp']}.".encode() + sent.body
    version, _, signature = sent.headers["webhook-signature"].partition(",")
    assert version == "v1a"
    public.verify(b64decode(signature), content)
    assert "secret" not in told


@pytest.mark.parametrize(
    ("first", "then", "reason"),
    [
        ({"signing": "original"}, {"signingKey": "ed25519"}, "The original platform's headers are signed"),
        ({"signing": "standard"}, {"signingKey": "ed25519"}, "The key's kind stays as it is"),
        (
            {"signing": "standard", "signingKey": "ed25519"},
            {"signing": "original"},
            "The original platform's",
        ),
    ],
)
def test_a_key_of_another_kind_is_refused_where_it_cannot_sign(
    first: dict[str, str], then: dict[str, str], reason: str
) -> None:
    door = Door(signer=SealedKeys(SAFE))
    made = door.subscribed(**first)

    answer = door.call(
        "PUT", f"{PATH}/{made}", json={"webhookSubscription": {"url": "https://shop.example/hook", **then}}
    )

    assert complaints(answer)["webhookSubscription.signingKey"].startswith(reason)


@pytest.mark.parametrize("path", [PATH])
def test_a_secret_is_not_told_again(path: str) -> None:
    door = Door(signer=SealedKeys(SAFE))
    made = door.subscribed(signing="standard")

    assert "whsec_" not in door.call("GET", f"{path}/{made}").text

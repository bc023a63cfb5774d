"""A secret that is made here signs what goes out, and is kept sealed."""

from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from api.signing import SealedKeys
from connectors.http.courier import secrets_of
from tests.api.conftest import PATH, SAFE, Door


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
    assert [SAFE.open(sealed) for sealed in secrets_of(kept)] == [told["secret"]]
    assert told["secret"] not in repr(kept)


@pytest.mark.parametrize("path", [PATH])
def test_a_secret_is_not_told_again(path: str) -> None:
    door = Door(signer=SealedKeys(SAFE))
    made = door.subscribed(signing="standard")

    assert "whsec_" not in door.call("GET", f"{path}/{made}").text

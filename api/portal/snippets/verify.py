"""Verifies a webhook's signature. Python 3.10 or newer; only the standard library.

Give `verify` the body as bytes, exactly as it came: before any JSON is read.

    # Flask
    @app.post("/webhooks")
    def webhook():
        if not verify(SECRETS, request.headers, request.get_data()):
            return "", 401
        ...
        return "", 204
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping

TOLERANCE_SECONDS = 300


def verify(secrets: Iterable[str], headers: Mapping[str, str], body: bytes, now: float | None = None) -> bool:
    """Whether one of the `whsec_` secrets signed this request within the last five minutes.

    Two secrets are valid while one replaces the other: pass both.
    """
    named = {name.lower(): value for name, value in headers.items()}
    message_id = named.get("webhook-id", "")
    timestamp = named.get("webhook-timestamp", "")
    if not is_recent(timestamp, now):
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = [signature(secret, signed) for secret in secrets]
    # The header may hold several signatures, with blanks between: one for each secret that is live.
    received = named.get("webhook-signature", "").split()
    return any(hmac.compare_digest(one.encode(), other.encode()) for one in received for other in expected)


def signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def verify_original(
    secrets: Iterable[str],
    headers: Mapping[str, str],
    body: bytes,
    host: str,
    path: str,
    *,
    now: float | None = None,
) -> bool:
    """The same for a subscription that signs in the original platform's way.

    `host` is your host in lower case without a port, `path` the path of your URL without the query.
    """
    named = {name.lower(): value for name, value in headers.items()}
    timestamp = named.get("x-webhook-timestamp", "")
    if not is_recent(timestamp, now):
        return False
    lines = (
        "POST",
        f"{len(host)}:{host}",
        f"{len(path)}:{path}",
        hashlib.sha256(body).hexdigest(),
        timestamp,
        named.get("x-webhook-request-id", ""),
    )
    received = named.get("x-webhook-signature", "").encode()
    expected = [
        # Here the text behind whsec_ is the key as it stands; it is not decoded.
        hmac.new(
            secret.removeprefix("whsec_").encode(), "\n".join(lines).encode(), hashlib.sha256
        ).hexdigest()
        for secret in secrets
    ]
    return any(hmac.compare_digest(received, each.encode()) for each in expected)


def is_recent(timestamp: str, now: float | None = None) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        return False
    return abs((time.time() if now is None else now) - int(timestamp)) <= TOLERANCE_SECONDS

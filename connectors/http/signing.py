"""The headers by which a receiver knows that a request is ours, unchanged and fresh. Pure."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from connectors.http.signing_keys import HmacKey, Key
from connectors.http.urls import Target


def sign_standard(message_id: str, at: datetime, body: bytes, keys: Sequence[Key]) -> dict[str, str]:
    """Standard Webhooks. Every key signs, so that a receiver may change to the new one when it likes."""
    timestamp = str(int(at.timestamp()))
    content = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(key.signature(content) for key in keys),
    }


def sign_original(
    to: Target, request_id: str, at: datetime, body: bytes, *, key: HmacKey, version: int
) -> dict[str, str]:
    """The original platform's. One key signs, the header that tells its version lets receivers choose.

    Signed are the lines POST, `length:host`, `length:path`, the body's SHA-256, timestamp and request id.
    Host without port and path without query, as the platform's own language splits a URL; as they are sent.
    An IPv6 address has its brackets there.
    """
    timestamp = str(int(at.timestamp()))
    lines = (
        "POST",
        f"{len(to.host)}:{to.host}",
        f"{len(to.path)}:{to.path}",
        hashlib.sha256(body).hexdigest(),
        timestamp,
        request_id,
    )
    return {
        "X-Webhook-Signature": hmac.digest(key.text, "\n".join(lines).encode(), "sha256").hex(),
        "X-Webhook-Signature-Algorithm": "hmac-sha256",
        "X-Webhook-Timestamp": timestamp,
        "X-Webhook-Request-Id": request_id,
        "X-Webhook-Signature-Version": str(version),
    }

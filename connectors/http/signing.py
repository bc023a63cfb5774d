"""Signature headers, by which a receiver checks that a request is ours, unchanged and recent. Pure."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from connectors.http.signing_keys import HmacKey, Key
from connectors.http.urls import Target


def sign_standard(message_id: str, at: datetime, body: bytes, keys: Sequence[Key]) -> dict[str, str]:
    """Standard Webhooks (standardwebhooks.com). Every live key signs, so that a receiver can change keys at
    any time."""
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
    """The original platform's signature. One key signs, and a header names its version.

    The signed lines are POST, `length:host`, `length:path`, the body's SHA-256, timestamp and request id. The
    host has no port, but an IPv6 address has its brackets. The path has no query. Both are as they are sent.
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

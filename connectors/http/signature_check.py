"""Verifies the signature of a request, as its receiver does. Pure.

Both kinds are known: Standard Webhooks, and the original platform's headers. See `connectors.http.signing`.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.http.signing import sign_original, sign_standard
from connectors.http.signing_keys import HmacKey
from connectors.http.urls import target

TOLERANCE = timedelta(minutes=5)
"""The oldest and the most future timestamp that is accepted, as Standard Webhooks recommends."""


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """`headers` by lower-case name. `path` as it was sent, without the query."""

    headers: Mapping[str, str]
    body: bytes
    path: str


def find_signature_problem(request: ReceivedRequest, key: HmacKey, now: datetime) -> str | None:
    """Why the request is not to be trusted, or None if it is signed with the key and recent."""
    headers = request.headers
    if "webhook-signature" in headers:
        found, at = headers["webhook-signature"], headers.get("webhook-timestamp", "")
    elif "x-webhook-signature" in headers:
        found, at = headers["x-webhook-signature"], headers.get("x-webhook-timestamp", "")
    else:
        return "there is none: neither webhook-signature nor X-Webhook-Signature is there"
    if not (at.isascii() and at.isdigit() and len(at) <= 12):
        return "its timestamp is no number of seconds"
    if abs(now.timestamp() - int(at)) > TOLERANCE.total_seconds():
        return f"its timestamp is more than {TOLERANCE.total_seconds():g} s away from this machine's clock"
    moment = datetime.fromtimestamp(int(at), now.tzinfo)
    try:
        wanted = _sign(request, moment, key)
    except ValueError:
        return "host and path are no URL"
    # Several keys sign while one replaces the other.
    given = found.split(" ")
    if any(hmac.compare_digest(each.encode(errors="replace"), wanted.encode()) for each in given[:20]):
        return None
    return "it is not of this body with this secret"


def _sign(request: ReceivedRequest, at: datetime, key: HmacKey) -> str:
    headers = request.headers
    if "webhook-signature" in headers:
        message_id = headers.get("webhook-id", "")
        return sign_standard(message_id, at, request.body, [key])["webhook-signature"]
    to = target(f"http://{headers.get('host', '')}{request.path}")
    request_id = headers.get("x-webhook-request-id", "")
    return sign_original(to, request_id, at, request.body, key=key, version=1)["X-Webhook-Signature"]

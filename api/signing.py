"""Secrets that webhooks are signed with: made here, shown once, kept sealed."""

from datetime import datetime, timedelta
from typing import Protocol

from msgspec.structs import replace
from starlette.exceptions import HTTPException

from api.errors import Complaint, Invalid
from connectors.http.keys import new_secret
from streams.delivery.records import Subscription
from streams.delivery.terms import Signing, SigningKey
from streams.sealing import Safe

OVERLAP = timedelta(hours=24)
"""How long the old secret signs beside the new one."""
ROTATED_AFTER = timedelta(minutes=5)
"""The shortest time between two rotations."""


class Signer(Protocol):
    def new_key(self, version: int, now: datetime) -> tuple[str, SigningKey]:
        """A secret to show, and what is kept of it."""


def signed(
    subscription: Subscription, wanted: Signing | None, signer: Signer | None, now: datetime
) -> tuple[Subscription, str | None]:
    """With signing as it is wanted, None: as it is; and the secret, where it begins. Raises Invalid."""
    if wanted is None or wanted == subscription.signing:
        return subscription, None
    if wanted == "none":
        return replace(subscription, signing="none", signing_keys=()), None
    if signer is None:
        message = "Webhooks cannot be signed here: no secret can be kept."
        raise Invalid(Complaint("webhookSubscription.signing", message, "unavailable"))
    if subscription.signing_keys:
        return replace(subscription, signing=wanted), None
    secret, key = signer.new_key(1, now)
    return replace(subscription, signing=wanted, signing_keys=(key,)), secret


def rotated(subscription: Subscription, signer: Signer | None, now: datetime) -> tuple[Subscription, str]:
    """With a new secret beside the old one, which ends in a day. Raises Invalid, or 429 within 5 minutes of
    the last."""
    if not subscription.signing_keys or signer is None:
        message = "The subscription is not signed: there is no secret to be replaced."
        raise Invalid(Complaint("webhookSubscription.signing", message, "unsigned"))
    last = max(subscription.signing_keys, key=lambda key: key.version)
    wait = last.created_at + ROTATED_AFTER - now
    if wait > timedelta():
        raise HTTPException(
            429,
            "A secret can be replaced once in 5 minutes.",
            {"Retry-After": str(int(wait.total_seconds()) + 1)},
        )
    secret, key = signer.new_key(last.version + 1, now)
    kept = tuple(
        replace(each, expires_at=each.expires_at or now + OVERLAP)
        for each in subscription.signing_keys
        if each.expires_at is None or each.expires_at > now
    )
    return replace(subscription, signing_keys=(*kept, key)), secret


class SealedKeys:
    """Signs with shared secrets, kept sealed."""

    def __init__(self, safe: Safe) -> None:
        self._safe = safe

    def new_key(self, version: int, now: datetime) -> tuple[str, SigningKey]:
        secret = new_secret("hmac")
        return secret, SigningKey(
            kind="hmac", version=version, secret=self._safe.seal(secret), created_at=now
        )

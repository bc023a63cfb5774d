"""Secrets that webhooks are signed with: made here, shown once, kept sealed."""

from datetime import datetime, timedelta
from typing import Protocol

from msgspec.structs import replace

from api.problems import Complaint, Invalid, TooSoon
from connectors.http.signing_keys import PUBLIC, Ed25519Key, KeyKind, new_secret, read_key
from streams.delivery.records import Subscription
from streams.delivery.subscription_options import Signing, SigningKey
from streams.secrets.sealing import SecretSealer

KEY_OVERLAP = timedelta(hours=24)
"""How long the old secret signs beside the new one."""
MIN_ROTATION_INTERVAL = timedelta(minutes=5)
"""The shortest time between two rotations."""


class SigningKeyMaker(Protocol):
    def new_key(self, version: int, now: datetime, kind: KeyKind) -> tuple[str, SigningKey]:
        """What the receiver verifies with, to be shown once, and what is kept."""


def with_signing(
    subscription: Subscription,
    wanted: Signing | None,
    signer: SigningKeyMaker | None,
    now: datetime,
    kind: KeyKind | None = None,
) -> tuple[Subscription, str | None]:
    """With signing as it is wanted, None: as it is; what to verify with, where it begins. Raises Invalid."""
    _require_fit(subscription, wanted or subscription.signing, kind)
    if wanted is None or wanted == subscription.signing:
        return subscription, None
    if wanted == "none":
        return replace(subscription, signing="none", signing_keys=()), None
    if signer is None:
        message = "Webhooks cannot be signed here: no secret can be kept."
        raise Invalid(Complaint("webhookSubscription.signing", message, "unavailable"))
    if subscription.signing_keys:
        return replace(subscription, signing=wanted), None
    secret, first = signer.new_key(1, now, kind or "hmac")
    return replace(subscription, signing=wanted, signing_keys=(first,)), secret


def _require_fit(subscription: Subscription, signing: Signing, kind: KeyKind | None) -> None:
    there = {each.kind for each in subscription.signing_keys}
    if signing == "original" and (kind == "ed25519" or "ed25519" in there):
        message = "The original platform's headers are signed with hmac alone."
        raise Invalid(Complaint("webhookSubscription.signingKey", message, "conflict"))
    if kind is not None and there - {kind}:
        message = "The key's kind stays as it is while signing goes on: turn signing off first."
        raise Invalid(Complaint("webhookSubscription.signingKey", message, "immutable"))


def verifier_body(verifier: str | None) -> dict[str, str]:
    """What the receiver needs: a secret that we share, or the public half of a key of ours."""
    if verifier is None:
        return {}
    return {"publicKey" if verifier.startswith(PUBLIC) else "secret": verifier}


def rotate_key(
    subscription: Subscription, signer: SigningKeyMaker | None, now: datetime
) -> tuple[Subscription, str]:
    """With a new secret beside the old one, which ends in a day. Raises Invalid, or 429 within 5 minutes of
    the last."""
    if not subscription.signing_keys or signer is None:
        message = "The subscription is not signed: there is no secret to be replaced."
        raise Invalid(Complaint("webhookSubscription.signing", message, "unsigned"))
    last = max(subscription.signing_keys, key=lambda each: each.version)
    wait = last.created_at + MIN_ROTATION_INTERVAL - now
    if wait > timedelta():
        raise TooSoon("A secret can be replaced once in 5 minutes.", int(wait.total_seconds()) + 1)
    secret, another = signer.new_key(last.version + 1, now, last.kind)
    kept = tuple(
        replace(each, expires_at=each.expires_at or now + KEY_OVERLAP)
        for each in subscription.signing_keys
        if each.expires_at is None or each.expires_at > now
    )
    return replace(subscription, signing_keys=(*kept, another)), secret


class SealedKeys:
    """Signs with secrets that are kept sealed."""

    def __init__(self, safe: SecretSealer) -> None:
        self._safe = safe

    def new_key(self, version: int, now: datetime, kind: KeyKind) -> tuple[str, SigningKey]:
        secret = new_secret(kind)
        made = read_key(secret)
        kept = SigningKey(kind=kind, version=version, secret=self._safe.seal(secret), created_at=now)
        return (made.public if isinstance(made, Ed25519Key) else secret), kept

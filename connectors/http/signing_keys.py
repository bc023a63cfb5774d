"""Keys that requests are signed with, in the text forms of Standard Webhooks.

whsec_    a secret shared with the receiver: HMAC-SHA256
whsk_     a private key of ours, ed25519; the receiver has its whpk_
"""

import base64
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KeyKind = Literal["hmac", "ed25519"]
SHARED, PRIVATE, PUBLIC = "whsec_", "whsk_", "whpk_"
_FEWEST, _MOST = 24, 64
"""Bytes of a shared secret, as Standard Webhooks demands."""


@dataclass(frozen=True, slots=True)
class HmacKey:
    secret: bytes = field(repr=False)
    text: bytes = field(repr=False)
    """The text after the prefix. The original platform uses it as the key without decoding it."""

    def signature(self, content: bytes) -> str:
        return f"v1,{base64.b64encode(hmac.digest(self.secret, content, 'sha256')).decode()}"


@dataclass(frozen=True, slots=True)
class Ed25519Key:
    private: Ed25519PrivateKey = field(repr=False)

    def signature(self, content: bytes) -> str:
        return f"v1a,{base64.b64encode(self.private.sign(content)).decode()}"

    @property
    def public(self) -> str:
        """What the receiver verifies with."""
        return PUBLIC + base64.b64encode(self.private.public_key().public_bytes_raw()).decode()


Key = HmacKey | Ed25519Key


def new_secret(kind: KeyKind) -> str:
    """A new secret of 256 random bits. An ed25519 key is followed by its public half, as other libraries
    expect."""
    if kind == "hmac":
        return SHARED + base64.b64encode(secrets.token_bytes(32)).decode()
    private = Ed25519PrivateKey.generate()
    both = private.private_bytes_raw() + private.public_key().public_bytes_raw()
    return PRIVATE + base64.b64encode(both).decode()


def read_key(secret: str) -> Key:
    """Reads a `whsec_` or `whsk_` text. Raises ValueError, whose message does not show it."""
    if secret.startswith(SHARED):
        text = secret.removeprefix(SHARED)
        raw = _bytes(text)
        if not _FEWEST <= len(raw) <= _MOST:
            raise ValueError(f"a {SHARED} secret has {_FEWEST} to {_MOST} bytes, not {len(raw)}")
        return HmacKey(raw, text.encode())
    if secret.startswith(PRIVATE):
        raw = _bytes(secret.removeprefix(PRIVATE))
        if len(raw) not in (32, 64):
            raise ValueError(f"a {PRIVATE} key has 32 bytes, or 64 with its public half, not {len(raw)}")
        return Ed25519Key(Ed25519PrivateKey.from_private_bytes(raw[:32]))
    raise ValueError(f"a signing secret begins with {SHARED} or {PRIVATE}")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise ValueError("a signing secret is base64 behind its prefix") from None

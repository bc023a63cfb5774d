"""Secrets at rest: sealed before they are written to a topic, opened by whoever holds the key.

The key comes from the environment and is on no topic, so that a copy of the log tells no secret.
"""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from streams.delivery.subscription_options import Sealed
from streams.errors import Misconfigured, Retryable

KEY_PREFIX = "lsk_"
MAKE_KEY_HINT = "`loyalty secret-key` makes one."
_BYTES = 32
_NONCE = 12
# In front of the text, and authenticated with it: another way of sealing will be another version.
_VERSION = "s1"


class SecretUnreadable(Retryable):
    """A secret that no key at hand opens. Names the key's id, never the secret."""


def new_key() -> str:
    """A key of 256 random bits, fit for LOYALTY_SECRET_KEY."""
    return KEY_PREFIX + _text(secrets.token_bytes(_BYTES))


class SecretSealer:
    """Seals with the first key, opens with any: a new key is put before the old one."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._raw = [_raw(key.removeprefix(KEY_PREFIX)) for key in keys]
        self._keys = {_id(key): AESGCM(_derived(key, "sealing")) for key in self._raw}
        self.open = lru_cache(maxsize=16_384)(self._opened)

    @property
    def ready(self) -> bool:
        """Whether there is a key to seal with."""
        return bool(self._keys)

    def seal(self, secret: str) -> Sealed:
        """Raises Misconfigured where there is no key."""
        if not self._keys:
            raise Misconfigured(
                f"LOYALTY_SECRET_KEY is not set, so that no secret can be kept: {MAKE_KEY_HINT}"
            )
        name, key = next(iter(self._keys.items()))
        nonce = secrets.token_bytes(_NONCE)
        head = f"{_VERSION}.{name}"
        sealed = key.encrypt(nonce, secret.encode(), head.encode())
        return Sealed(text=f"{head}.{_text(nonce + sealed)}")

    def holds(self, sealed: Sealed) -> bool:
        """Whether the key that it was sealed with is here."""
        return key_id(sealed) in self._keys

    def _opened(self, sealed: Sealed) -> str:
        """The secret, remembered: it is asked for with every request. Raises Unopened."""
        name = key_id(sealed)
        key = self._keys.get(name)
        if key is None:
            raise SecretUnreadable(f"sealed with key {name!r}, which LOYALTY_SECRET_KEY does not hold")
        head, _, text = sealed.text.rpartition(".")
        try:
            raw = _raw(text)
            return key.decrypt(raw[:_NONCE], raw[_NONCE:], head.encode()).decode()
        except (InvalidTag, ValueError):
            raise SecretUnreadable(f"damaged since it was sealed with key {name!r}") from None

    def derived(self, purpose: str) -> list[bytes]:
        """A key of 32 bytes for each of ours, the newest first; `purpose` sets it apart from all others."""
        return [_derived(key, purpose) for key in self._raw]


def key_id(sealed: Sealed) -> str:
    """Which key it was sealed with; empty where the text is of no known form."""
    version, _, rest = sealed.text.partition(".")
    name, _, _ = rest.partition(".")
    return name if version == _VERSION else ""


def _id(key: bytes) -> str:
    return hashlib.sha256(b"loyalty key id" + key).hexdigest()[:8]


def _derived(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), _BYTES, salt=None, info=f"loyalty {purpose}".encode()).derive(key)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _raw(text: str) -> bytes:
    return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True)

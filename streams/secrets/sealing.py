"""Seals secrets before they are written to a topic. The key comes from the environment and is never on a
topic, so that a copy of the log reveals no secret.
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
_KEY_BYTES = 32
_NONCE_BYTES = 12
# The version of the format: a prefix of the text, authenticated with it.
_FORMAT_VERSION = "s1"


class SecretUnreadable(Retryable):
    """No configured key opens the secret. Names the key's id, never the secret."""


def new_key() -> str:
    """A key of 256 random bits for LOYALTY_SECRET_KEY."""
    return KEY_PREFIX + _to_text(secrets.token_bytes(_KEY_BYTES))


class SecretSealer:
    """Seals with the first key and opens with any of them, so that a new key is put before the old one."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._to_bytes = [_to_bytes(key.removeprefix(KEY_PREFIX)) for key in keys]
        self._keys = {_key_id(key): AESGCM(_derive_key(key, "sealing")) for key in self._to_bytes}
        self.open = lru_cache(maxsize=16_384)(self._open_cached)

    @property
    def ready(self) -> bool:
        """Whether there is a key to seal with."""
        return bool(self._keys)

    def seal(self, secret: str) -> Sealed:
        """Seals a secret. Raises Misconfigured if there is no key."""
        if not self._keys:
            raise Misconfigured(
                f"LOYALTY_SECRET_KEY is not set, so that no secret can be kept: {MAKE_KEY_HINT}"
            )
        name, key = next(iter(self._keys.items()))
        nonce = secrets.token_bytes(_NONCE_BYTES)
        head = f"{_FORMAT_VERSION}.{name}"
        sealed = key.encrypt(nonce, secret.encode(), head.encode())
        return Sealed(text=f"{head}.{_to_text(nonce + sealed)}")

    def holds(self, sealed: Sealed) -> bool:
        """Whether one of the keys opens it."""
        return key_id(sealed) in self._keys

    def _open_cached(self, sealed: Sealed) -> str:
        """The secret. It is cached, because every request needs it. Raises Unopened."""
        name = key_id(sealed)
        key = self._keys.get(name)
        if key is None:
            raise SecretUnreadable(f"sealed with key {name!r}, which LOYALTY_SECRET_KEY does not hold")
        head, _, text = sealed.text.rpartition(".")
        try:
            raw = _to_bytes(text)
            return key.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], head.encode()).decode()
        except (InvalidTag, ValueError):
            raise SecretUnreadable(f"damaged since it was sealed with key {name!r}") from None

    def derived(self, purpose: str) -> list[bytes]:
        """Derives a key of 32 bytes from each key, the newest first. Each `purpose` has its own keys."""
        return [_derive_key(key, purpose) for key in self._to_bytes]


def key_id(sealed: Sealed) -> str:
    """The id of the key that it was sealed with; empty if the text has no known format."""
    version, _, rest = sealed.text.partition(".")
    name, _, _ = rest.partition(".")
    return name if version == _FORMAT_VERSION else ""


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"loyalty key id" + key).hexdigest()[:8]


def _derive_key(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=f"loyalty {purpose}".encode()).derive(key)


def _to_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _to_bytes(text: str) -> bytes:
    return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True)

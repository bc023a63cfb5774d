"""Crypto-shredding: personal data in facts is encrypted with a key of its owner, which an erasure deletes.

The record's value is the fact without personal fields; a header holds the whole fact, encrypted. Encryption
is deterministic: the same fact gives the same bytes.
"""

import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from streams.codec import avro
from streams.domain.values import Value
from streams.errors import Poison

HEADER = "personal"


def new_secret() -> bytes:
    """A data key: 512 random bits, for AES-256-SIV (RFC 5297)."""
    return secrets.token_bytes(64)


def seal_personal(fact: Value, secret: bytes) -> bytes:
    """The whole fact, encrypted for the header."""
    # SIV needs no nonce. A fact of an aborted transaction is encrypted again, which must not reuse one.
    value, schema = avro.encode(fact)
    return AESSIV(secret).encrypt(value, [schema.encode()])


def open_personal(value: bytes | None, headers: Mapping[str, bytes], secret: bytes | None) -> bytes | None:
    """The whole fact's bytes if `secret` is given, otherwise those without personal fields. Raises Poison if
    it was encrypted with another key."""
    private = headers.get(HEADER)
    if private is None or secret is None:
        return value
    try:
        return AESSIV(secret).decrypt(private, [headers.get(avro.HEADER, b"")])
    except (InvalidTag, ValueError):
        raise Poison("its personal part was sealed with another key than its owner's") from None

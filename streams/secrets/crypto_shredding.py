"""Facts whose personal part can be shredded: sealed with a key of its owner's, beside what all may read.

The record of such a fact holds it without what is personal; in a header stands the whole of it, sealed. Where
the key is gone, the record is what is left. Sealing is deterministic: the same fact makes the same bytes.
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
    """What a data key is made of: 512 random bits, as AES-256-SIV takes them."""
    return secrets.token_bytes(64)


def seal_personal(fact: Value, secret: bytes) -> bytes:
    """The whole fact, for the header. Nobody reads it without `secret`."""
    # A nonce may not be used twice, and a fact of an aborted transaction is made again: SIV needs none.
    value, schema = avro.encode(fact)
    return AESSIV(secret).encrypt(value, [schema.encode()])


def open_personal(value: bytes | None, headers: Mapping[str, bytes], secret: bytes | None) -> bytes | None:
    """The fact's bytes: whole where `secret` is there, else what is public. Raises Poison where the secret is
    not the one that it was sealed with."""
    private = headers.get(HEADER)
    if private is None or secret is None:
        return value
    try:
        return AESSIV(secret).decrypt(private, [headers.get(avro.HEADER, b"")])
    except (InvalidTag, ValueError):
        raise Poison("its personal part was sealed with another key than its owner's") from None

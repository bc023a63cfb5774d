"""Ids are derived from names, never random, so that a replay makes the same ids."""

from hashlib import sha1
from uuid import UUID

NAMESPACE = UUID("6f1c3f2e-51f7-5d0b-9f0a-6c2b6d1f7a55")
"""A change would change every id: receivers would take replayed webhooks for new ones."""
_PREFIX = NAMESPACE.bytes
# The two highest bits of the ninth byte are the variant of RFC 9562 section 4.1.
_VARIANT = {digit: f"{int(digit, 16) & 0x3 | 0x8:x}" for digit in "0123456789abcdef"}


def derived_id(*names: str) -> str:
    """uuid5 of the names joined by slashes, in lower case. Only the last name may contain a slash.

    Built by hand, because it costs a third of `uuid.uuid5`, and a command derives several ids.
    """
    text = sha1(_PREFIX + "/".join(names).encode(), usedforsecurity=False).hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


def document_id(store: str, document_number: str, document_type: str = "sell") -> str:
    """The id of a transaction that was recorded without its member. It owns its records. A purchase and a
    return may have the same number."""
    kind = "document" if document_type == "sell" else "returned-document"
    return derived_id(store, kind, document_number)

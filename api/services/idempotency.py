"""Requests that come again under the same Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).

The key is its caller's and its path's: another caller's same key is another command. What was asked is kept
as a fingerprint with the command's memory, so that the key with another body is refused, by any process.
"""

import hashlib
import json
from decimal import Decimal

from api.problems import KeyReused


def fingerprint(asked: str | bytes) -> str:
    """128 bits of the SHA-256 of what was asked. Of JSON, blanks, the order of names and the way in which a
    number is written make no difference."""
    return hashlib.sha256(_canonical(asked)).hexdigest()[:32]


def require_same(kept: str, asked: str) -> None:
    """Raises KeyReused. Empty: it is not known what was asked."""
    if kept and asked and kept != asked:
        raise KeyReused


def _canonical(asked: str | bytes) -> bytes:
    try:
        tree = json.loads(asked, parse_float=_number, parse_int=_number, parse_constant=str)
        return json.dumps(tree, sort_keys=True).encode()
    except (ValueError, RecursionError, ArithmeticError):
        return asked if isinstance(asked, bytes) else asked.encode(errors="backslashreplace")


def _number(text: str) -> str:
    return str(Decimal(text).normalize())

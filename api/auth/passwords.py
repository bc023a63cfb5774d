"""Passwords, of which only a scrypt hash is kept: `scrypt$n$r$p$salt$hash`, so that the cost may grow."""

import base64
import hashlib
import hmac
import re
import secrets

SHORTEST, LONGEST = 12, 128
_N, _R, _P = 2**15, 8, 1
"""32 MiB and some 100 ms for each try."""
_BYTES = 32
# Higher costs than these are none that we would grow to, but would keep the process busy.
_KEPT = re.compile(
    r"scrypt\$([1-9]\d{0,5})\$([1-9]|1[0-6])\$([1-4])\$([A-Za-z0-9+/]{22}==)\$([A-Za-z0-9+/]{43}=)"
)


def hash_password(password: str) -> str:
    """Raises ValueError saying what is valid. Slow on purpose: to be called beside the event loop."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise ValueError(f"must have {SHORTEST} to {LONGEST} characters, not {len(password)}")
    salt = secrets.token_bytes(16)
    return f"scrypt${_N}${_R}${_P}${_text(salt)}${_text(_scrypt(password, salt, _N, _R, _P))}"


class DamagedHash(Exception):
    """What is kept of a password is nothing that `hash_password` has made: nothing matches it."""


def is_password(password: str, kept: str | None) -> bool:
    """In the same time whether there is such a user (`kept`) or not. Slow on purpose. Raises Damaged."""
    found = _KEPT.fullmatch(kept or _NOBODY)
    if found is None:
        raise DamagedHash
    n, r, p = (int(cost) for cost in found.groups()[:3])
    salt, digest = found.groups()[3:]
    try:
        made = _scrypt(password[: LONGEST + 1], base64.b64decode(salt), n, r, p)
    except ValueError:
        raise DamagedHash from None
    return hmac.compare_digest(made, base64.b64decode(digest)) and kept is not None


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    raw = password.encode(errors="surrogatepass")
    return hashlib.scrypt(raw, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=_BYTES)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


_NOBODY = f"scrypt${_N}${_R}${_P}${_text(bytes(16))}${_text(bytes(_BYTES))}"

"""Passwords, of which only a scrypt hash is kept: `scrypt$n$r$p$salt$hash`, so that the cost may grow."""

import base64
import hashlib
import hmac
import secrets

SHORTEST, LONGEST = 12, 128
_N, _R, _P = 2**15, 8, 1
"""32 MiB and some 100 ms for each try."""
_BYTES = 32


def hashed(password: str) -> str:
    """Raises ValueError saying what is valid. Slow on purpose: to be called beside the event loop."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise ValueError(f"must have {SHORTEST} to {LONGEST} characters, not {len(password)}")
    salt = secrets.token_bytes(16)
    return f"scrypt${_N}${_R}${_P}${_text(salt)}${_text(_scrypt(password, salt, _N, _R, _P))}"


def matches(password: str, kept: str | None) -> bool:
    """In the same time whether there is such a user (`kept`) or not. Slow on purpose."""
    _, n, r, p, salt, digest = (kept or _NOBODY).split("$")
    found = _scrypt(password[: LONGEST + 1], base64.b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(found, base64.b64decode(digest)) and kept is not None


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    raw = password.encode(errors="surrogatepass")
    return hashlib.scrypt(raw, salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=_BYTES)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


_NOBODY = f"scrypt${_N}${_R}${_P}${_text(bytes(16))}${_text(bytes(_BYTES))}"

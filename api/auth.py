"""Who calls. Every path under /api/ wants a caller, the ones that do not exist included."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from streams.errors import Misconfigured
from streams.settings import variable

HEADER = "X-AUTH-TOKEN"


@dataclass(frozen=True, slots=True)
class Caller:
    """`name` may stand in logs. `scopes`: what it may do, everything unless it is said."""

    name: str
    scopes: frozenset[str] = frozenset({"read", "commands", "subscriptions", "admin"})


class Authenticator(Protocol):
    def caller(self, headers: Mapping[str, str]) -> Caller | None:
        """Who sent these headers, or None where they prove nobody. Names are in lower case."""


class ApiKeys:
    """Permanent keys in X-AUTH-TOKEN, of which only the SHA-256 is known here."""

    def __init__(self, hashes: tuple[str, ...]) -> None:
        """Raises Misconfigured where no key is accepted: an open API would be an accident."""
        if not hashes:
            raise Misconfigured(
                f"{variable('api_key_hashes')} is not set, so that nobody could call the API: "
                "`loyalty api-key` makes a key and its hash."
            )
        self._hashes = hashes

    def caller(self, headers: Mapping[str, str]) -> Caller | None:
        token = headers.get(HEADER.lower())
        if token is None:
            return None
        digest = hash_of(token)
        # All are compared, each in constant time: the time taken tells nothing.
        found = [hmac.compare_digest(digest, known) for known in self._hashes]
        return Caller(f"key {digest[:8]}") if any(found) else None


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def new_key() -> tuple[str, str]:
    """A token of 256 random bits, and its hash."""
    token = secrets.token_urlsafe(32)
    return token, hash_of(token)


class Guarded:
    """Lets nothing through to /api/ without a caller, before any of the body is read."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        self._app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        caller = self._authenticator.caller(Headers(scope=scope))
        if caller is None:
            await _refused(Headers(scope=scope))(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send)


def _refused(headers: Mapping[str, str]) -> JSONResponse:
    """The contract's two answers: for a token that it calls a JWT, and for everything else."""
    bearer = HEADER.lower() not in headers and headers.get("authorization", "").startswith("Bearer ")
    body = {"code": 401, "message": "Invalid JWT Token"} if bearer else {"message": "Authentication Required"}
    return JSONResponse(body, 401, {"WWW-Authenticate": HEADER})

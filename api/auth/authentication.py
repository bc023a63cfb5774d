"""Who calls. Every path under /api/ wants a caller, the ones that do not exist included."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.auth.logins import TokenExpired, TokenSigner
from api.auth.principals import Principals
from api.auth.rights import rights_of
from streams.access import SCOPES, Admin
from streams.errors import Misconfigured
from streams.secrets.sealing import SecretSealer
from streams.settings import variable_name

HEADER = "X-AUTH-TOKEN"
DEVICE_COOKIE = "loyalty_device"
"""The cookie by which a browser is known that somebody has signed in with."""

REQUIRED: dict[str, object] = {"message": "Authentication Required"}
"""The contract's answer to a caller without an accepted key; a hint stands beside it."""
PUBLIC_PATHS = {"/api/admin/login_check", "/api/token/refresh"}
"""Where a caller gets a token, having none."""
STORELESS_PATHS = re.compile(r"/api/admin/[^/]+/api-key(/[^/]+)?")
"""Routes that have no store in their path; what they do is limited by whom they are about."""


@dataclass(frozen=True, slots=True)
class Principal:
    """`name` may stand in logs. `scopes` and `stores`: what it may do, and where; no store stands for all.
    `maker`: the id of the admin or the API key that it is; None: a key of the deployment's own."""

    name: str
    scopes: frozenset[str] = frozenset(SCOPES)
    stores: frozenset[str] = frozenset()
    maker: str | None = None

    def may_enter(self, path: str) -> bool:
        """Tells whether the caller may enter the store that the path names."""
        return not self.stores or path.split("/")[2] in self.stores or bool(STORELESS_PATHS.fullmatch(path))

    def governs(self, admin: Admin) -> bool:
        """Tells whether this caller has every right of that admin."""
        inside = not self.stores or bool(admin.stores and self.stores.issuperset(admin.stores))
        return inside and self.scopes.issuperset(admin.scopes)


@dataclass(frozen=True, slots=True)
class ChangeSource:
    """The caller of the current request, and its address."""

    who: str
    address: str


CHANGE_SOURCE: ContextVar[ChangeSource | None] = ContextVar("source", default=None)
"""For the audit: a change is written by code that knows nothing of HTTP."""


class Authenticator(Protocol):
    def caller(self, headers: Mapping[str, str]) -> Principal | None:
        """Returns the caller who sent these headers, or None if they prove nobody.

        Names in lower case. Raises TokenExpired.
        """


class ConfiguredKeys:
    """Keys of the deployment's own in X-AUTH-TOKEN, of which only the SHA-256 is known. They may do all."""

    def __init__(self, hashes: tuple[str, ...]) -> None:
        self._hashes = hashes

    def caller(self, headers: Mapping[str, str]) -> Principal | None:
        token = headers.get(HEADER.lower())
        if token is None:
            return None
        digest = hash_token(token)
        # All are compared, each in constant time: the time taken tells nothing.
        found = [hmac.compare_digest(digest, known) for known in self._hashes]
        return Principal(f"key {digest[:8]}") if any(found) else None


class PrincipalAuthenticator:
    """The deployment's keys, the keys of admins, and the tokens of those who have logged in."""

    def __init__(
        self, keys: ConfiguredKeys, principals: Principals, tokens: TokenSigner, now: Callable[[], datetime]
    ) -> None:
        self._keys = keys
        self._callers = principals
        self._tokens = tokens
        self._now = now

    def caller(self, headers: Mapping[str, str]) -> Principal | None:
        token = headers.get(HEADER.lower())
        if token is not None:
            return self._keys.caller(headers) or self._key(token)
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        admin = self._tokens.read(bearer, "access", self._callers, self._now()) if kind == "Bearer" else None
        return admin_principal(admin) if admin else None

    def _key(self, token: str) -> Principal | None:
        key = self._callers.key_of(hash_token(token))
        rights = rights_of(key, self._callers, self._now()) if key else None
        if key is None or rights is None:
            return None
        return Principal(f"key {key.name} ({key.digest[:8]})", rights.scopes, rights.stores, key.api_key_id)


def admin_principal(admin: Admin) -> Principal:
    return Principal(admin.username, frozenset(admin.scopes), frozenset(admin.stores), admin.admin_id)


def require_credentials(hashes: tuple[str, ...], safe: SecretSealer) -> None:
    """Raises Misconfigured where nobody could ever call the API."""
    if not hashes and not safe.ready:
        raise Misconfigured(
            f"{variable_name('api_key_hashes')} is not set, so that nobody could call the API: "
            f"`loyalty api-key` makes a key and its hash. Or set "
            f"{variable_name('secret_key')}, and make an admin who logs in: `loyalty admin create`."
        )


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def new_key() -> tuple[str, str]:
    """A token of 256 random bits, and its hash."""
    token = secrets.token_urlsafe(32)
    return token, hash_token(token)


class AuthenticationMiddleware:
    """Lets nothing through to /api/ without a caller, before any of the body is read."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        self._app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/") or scope["path"] in PUBLIC_PATHS:
            await self._app(scope, receive, send)
            return
        admitted = self._admitted(scope)
        if isinstance(admitted, JSONResponse):
            await admitted(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = admitted
        CHANGE_SOURCE.set(ChangeSource(admitted.name, client_address(scope)))
        await self._app(scope, receive, send)

    def _admitted(self, scope: Scope) -> Principal | JSONResponse:
        headers = Headers(scope=scope)
        try:
            caller = self._authenticator.caller(headers)
        except TokenExpired:
            return _refused({"code": 401, "message": "TokenExpired JWT Token."})
        if caller is None:
            # The contract's two answers: for a token that it calls a JWT, and for everything else.
            jwt = HEADER.lower() not in headers and headers.get("authorization", "").startswith("Bearer ")
            invalid = {"code": 401, "message": "Invalid JWT Token"}
            return _refused(invalid if jwt else REQUIRED | {"hint": _describe_lack(headers)})
        if not caller.may_enter(scope["path"]):
            return JSONResponse({"code": 403, "message": "Forbidden."}, 403)
        return caller


def _describe_lack(headers: Headers) -> str:
    """What a caller without rights should send."""
    if headers.get(HEADER):
        return f"The key in {HEADER} is none of this API's: it may be mistyped, removed or expired."
    return f"Send an API key in the header {HEADER}: `loyalty api-key` or an admin makes one."


def client_address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _refused(body: dict[str, object]) -> JSONResponse:
    return JSONResponse(body, 401, {"WWW-Authenticate": HEADER})

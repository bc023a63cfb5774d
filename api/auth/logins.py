"""Logins: a password against a token that is good for a day, and a refresh token for a month."""

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import Literal
from uuid import uuid4

import jwt
import msgspec

from api.auth import passwords
from api.auth.principals import Principals
from api.auth.throttle import KnownNetworks, LoginThrottle, TooManyLogins, WorkQueue, client_network
from streams.access import Admin
from streams.secrets.sealing import SecretSealer

__all__ = [
    "MAX_LOGINS_PER_MINUTE",
    "LoginService",
    "LoginThrottle",
    "TokenExpired",
    "TokenSigner",
    "TooManyLogins",
]
LOG = logging.getLogger(__name__)
TokenKind = Literal["access", "refresh", "session", "device"]
TOKEN_LIFETIMES: dict[TokenKind, timedelta] = {
    "access": timedelta(days=1),
    "refresh": timedelta(days=30),
    # A browser's cookie, in the panel.
    "session": timedelta(hours=12),
    # Says from where one has logged in before, and opens nothing.
    "device": timedelta(days=365),
}
MAX_LOGINS_PER_MINUTE = 40
_ALGORITHM = "HS256"


class TokenExpired(Exception):
    """The token was one of ours."""


class _Claims(msgspec.Struct):
    sub: str
    typ: str
    iat: int
    exp: int
    jti: str = ""


class TokenSigner:
    """JWTs signed with a key derived from LOYALTY_SECRET_KEY, so that every API process reads them."""

    def __init__(self, safe: SecretSealer) -> None:
        self._keys = safe.derived("login tokens")

    def issued(self, admin: Admin, kind: TokenKind, now: datetime) -> str:
        ends = now + TOKEN_LIFETIMES[kind]
        claims = {"sub": admin.admin_id, "typ": kind, "iat": now, "exp": ends, "jti": str(uuid4())}
        return jwt.encode(claims, self._keys[0], _ALGORITHM)

    def id_of(self, token: str) -> str:
        """By which a token of ours is told from all others; empty: it is none, or has no id."""
        claims = self._claims(token)
        return claims.jti if claims else ""

    def read(self, token: str, kind: TokenKind, principals: Principals, now: datetime) -> Admin | None:
        """Whose it is, None where it is none of ours or of use no more. Raises TokenExpired."""
        claims = self._claims(token)
        admin = principals.admin(claims.sub) if claims and claims.typ == kind else None
        # Whole seconds are what a JWT tells.
        if claims is None or admin is None or claims.iat < int(admin.tokens_since.timestamp()):
            return None
        if claims.exp <= now.timestamp():
            raise TokenExpired
        return admin

    def _claims(self, token: str) -> _Claims | None:
        for key in self._keys:
            try:
                # The time is compared with the clock that is a port.
                claims = jwt.decode(token, key, [_ALGORITHM], {"verify_exp": False, "verify_iat": False})
                return msgspec.convert(claims, _Claims)
            except (jwt.InvalidTokenError, msgspec.ValidationError):
                continue
        return None


class LoginService:
    """`most` tries a minute for each address, and for each user name from wherever. A device or an address
    from which an admin has logged in before is counted by itself: others' tries do not lock it out."""

    def __init__(
        self, principals: Principals, tokens: TokenSigner, most: int = MAX_LOGINS_PER_MINUTE
    ) -> None:
        self._callers = principals
        self._tokens = tokens
        self._throttle = LoginThrottle(most)
        self._known = KnownNetworks()
        self._line = WorkQueue()

    async def login(
        self, username: str, password: str, address: str, now: datetime, device: str = ""
    ) -> Admin | None:
        """`device`: the token that `device` made. An unknown user takes as long as a wrong password.

        Raises TooManyLogins."""
        admin, network = self._callers.named(username), client_network(address)
        own = admin and self._own(admin, network, device, now)
        for name in (own,) if own else (f"address {network}", f"user {username}"):
            self._throttle.count(name, now)
        kept = admin.password if admin else None
        good = await self._line.run(partial(_matches, password, kept, admin), known=bool(own))
        if admin is None or not good:
            return None
        self._known.add(admin.admin_id, network)
        return admin

    def _own(self, admin: Admin, network: str, device: str, now: datetime) -> str | None:
        """What is counted of a device or an address that is known; None: neither is."""
        if (admin.admin_id, network) in self._known:
            return f"{admin.admin_id} at {network}"
        try:
            known = self._tokens.read(device, "device", self._callers, now) if device else None
        except TokenExpired:
            return None
        return f"device {device}" if known == admin else None

    def device(self, admin: Admin, now: datetime) -> str:
        """By which the device is known when it comes again."""
        return self._tokens.issued(admin, "device", now)

    def refreshed(self, token: str, address: str, now: datetime) -> Admin | None:
        """Raises TooManyLogins, TokenExpired."""
        self._throttle.count(f"address {client_network(address)}", now)
        return self._tokens.read(token, "refresh", self._callers, now)

    def granted(self, admin: Admin, now: datetime) -> dict[str, str]:
        return {
            "token": self._tokens.issued(admin, "access", now),
            "refresh_token": self._tokens.issued(admin, "refresh", now),
        }


def _matches(password: str, kept: str | None, admin: Admin | None) -> bool:
    try:
        return passwords.is_password(password, kept)
    except passwords.DamagedHash:
        whose = admin.admin_id if admin else ""
        LOG.error("the password kept of admin %s is damaged: `loyalty admin password` sets another", whose)  # noqa: TRY400
        return False

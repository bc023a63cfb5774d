"""Logins: a password against a token that is good for a day, and a refresh token for a month."""

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import Literal
from uuid import uuid4

import jwt
import msgspec

from api.auth import passwords
from api.auth.principals import Callers
from api.auth.throttle import KnownPlaces, Line, Throttle, TooMany, network_of
from streams.access import Admin
from streams.secrets.sealing import SecretSealer

__all__ = ["LOGINS_A_MINUTE", "Expired", "Logins", "Throttle", "Tokens", "TooMany"]
LOG = logging.getLogger(__name__)
Kind = Literal["access", "refresh", "session", "device"]
LIVES: dict[Kind, timedelta] = {
    "access": timedelta(days=1),
    "refresh": timedelta(days=30),
    # A browser's cookie, in the panel.
    "session": timedelta(hours=12),
    # Says from where one has logged in before, and opens nothing.
    "device": timedelta(days=365),
}
LOGINS_A_MINUTE = 40
_ALGORITHM = "HS256"


class Expired(Exception):
    """The token was one of ours."""


class _Claims(msgspec.Struct):
    sub: str
    typ: str
    iat: int
    exp: int
    jti: str = ""


class Tokens:
    """JWTs signed with a key derived from LOYALTY_SECRET_KEY, so that every API process reads them."""

    def __init__(self, safe: SecretSealer) -> None:
        self._keys = safe.derived("login tokens")

    def issued(self, admin: Admin, kind: Kind, now: datetime) -> str:
        ends = now + LIVES[kind]
        claims = {"sub": admin.admin_id, "typ": kind, "iat": now, "exp": ends, "jti": str(uuid4())}
        return jwt.encode(claims, self._keys[0], _ALGORITHM)

    def id_of(self, token: str) -> str:
        """By which a token of ours is told from all others; empty: it is none, or has no id."""
        claims = self._claims(token)
        return claims.jti if claims else ""

    def read(self, token: str, kind: Kind, callers: Callers, now: datetime) -> Admin | None:
        """Whose it is, None where it is none of ours or of use no more. Raises Expired."""
        claims = self._claims(token)
        admin = callers.admin(claims.sub) if claims and claims.typ == kind else None
        # Whole seconds are what a JWT tells.
        if claims is None or admin is None or claims.iat < int(admin.tokens_since.timestamp()):
            return None
        if claims.exp <= now.timestamp():
            raise Expired
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


class Logins:
    """`most` tries a minute for each address, and for each user name from wherever. A device or an address
    from which an admin has logged in before is counted by itself: others' tries do not lock it out."""

    def __init__(self, callers: Callers, tokens: Tokens, most: int = LOGINS_A_MINUTE) -> None:
        self._callers = callers
        self._tokens = tokens
        self._throttle = Throttle(most)
        self._known = KnownPlaces()
        self._line = Line()

    async def login(
        self, username: str, password: str, address: str, now: datetime, device: str = ""
    ) -> Admin | None:
        """`device`: what `device` has given for it. Raises TooMany. An unknown user takes as long as a wrong
        password."""
        admin, network = self._callers.named(username), network_of(address)
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
        except Expired:
            return None
        return f"device {device}" if known == admin else None

    def device(self, admin: Admin, now: datetime) -> str:
        """By which the device is known when it comes again."""
        return self._tokens.issued(admin, "device", now)

    def refreshed(self, token: str, address: str, now: datetime) -> Admin | None:
        """Raises TooMany, Expired."""
        self._throttle.count(f"address {network_of(address)}", now)
        return self._tokens.read(token, "refresh", self._callers, now)

    def granted(self, admin: Admin, now: datetime) -> dict[str, str]:
        return {
            "token": self._tokens.issued(admin, "access", now),
            "refresh_token": self._tokens.issued(admin, "refresh", now),
        }


def _matches(password: str, kept: str | None, admin: Admin | None) -> bool:
    try:
        return passwords.matches(password, kept)
    except passwords.Damaged:
        whose = admin.admin_id if admin else ""
        LOG.error("the password kept of admin %s is damaged: `loyalty admin password` sets another", whose)  # noqa: TRY400
        return False

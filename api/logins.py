"""Logins: a password against a token that is good for a day, and a refresh token for a month."""

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

import jwt
import msgspec

from api import passwords
from api.callers import Callers
from streams.access import Admin
from streams.sealing import Safe

Kind = Literal["access", "refresh", "session"]
LIVES: dict[Kind, timedelta] = {
    "access": timedelta(days=1),
    "refresh": timedelta(days=30),
    # A browser's cookie, in the panel.
    "session": timedelta(hours=12),
}
LOGINS_A_MINUTE = 40
_MINUTE = timedelta(minutes=1)
_ALGORITHM = "HS256"


class Expired(Exception):
    """The token was one of ours."""


class TooMany(Exception):
    """`wait`: until when the next try is counted anew."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"again in {wait}")
        self.wait = wait


class _Claims(msgspec.Struct):
    sub: str
    typ: str
    iat: int
    exp: int


class Tokens:
    """JWTs signed with a key derived from LOYALTY_SECRET_KEY, so that every API process reads them."""

    def __init__(self, safe: Safe) -> None:
        self._keys = safe.derived("login tokens")

    def issued(self, admin: Admin, kind: Kind, now: datetime) -> str:
        ends = now + LIVES[kind]
        claims = {"sub": admin.admin_id, "typ": kind, "iat": now, "exp": ends, "jti": str(uuid4())}
        return jwt.encode(claims, self._keys[0], _ALGORITHM)

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


@dataclass(slots=True)
class Throttle:
    """So many tries a minute for each name; in this process."""

    most: int
    names: int = 100_000
    _tries: dict[str, deque[datetime]] = field(default_factory=dict)

    def count(self, name: str, now: datetime) -> None:
        """Raises TooMany."""
        tries = self._tries.pop(name, deque())
        while tries and tries[0] <= now - _MINUTE:
            tries.popleft()
        # Last in: the first is whoever was heard of longest ago.
        self._tries[name] = tries
        if len(self._tries) > self.names:
            del self._tries[next(iter(self._tries))]
        if len(tries) >= self.most:
            raise TooMany(tries[0] + _MINUTE - now)
        tries.append(now)


class Logins:
    """`most` tries a minute for each address, and for each user name."""

    def __init__(self, callers: Callers, tokens: Tokens, most: int = LOGINS_A_MINUTE) -> None:
        self._callers = callers
        self._tokens = tokens
        self._throttle = Throttle(most)
        # Each try takes 32 MiB: two at a time, beside the loop.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="password")

    async def login(self, username: str, password: str, address: str, now: datetime) -> Admin | None:
        """Raises TooMany. An unknown user takes as long as a wrong password."""
        self._throttle.count(f"address {address}", now)
        self._throttle.count(f"user {username}", now)
        admin = self._callers.named(username)
        kept = admin.password if admin else None
        loop = asyncio.get_running_loop()
        good = await loop.run_in_executor(self._threads, passwords.matches, password, kept)
        return admin if good else None

    def refreshed(self, token: str, address: str, now: datetime) -> Admin | None:
        """Raises TooMany, Expired."""
        self._throttle.count(f"address {address}", now)
        return self._tokens.read(token, "refresh", self._callers, now)

    def granted(self, admin: Admin, now: datetime) -> dict[str, str]:
        return {
            "token": self._tokens.issued(admin, "access", now),
            "refresh_token": self._tokens.issued(admin, "refresh", now),
        }

"""Who is signed in: a cookie that scripts cannot read, and a token that its forms must carry."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.auth.authentication import Principal, admin_principal
from api.auth.logins import TOKEN_LIFETIMES, TokenExpired, TokenSigner
from api.auth.principals import Principals
from api.auth.sign_outs import Revocations, SignOuts
from streams.access import Admin, SignOut

SESSION_COOKIE = "loyalty_session"
FORM_KEY_PURPOSE = "panel forms"
"""What the keys of forms are derived for."""
SESSION_SECONDS = int(TOKEN_LIFETIMES["session"].total_seconds())


@dataclass(frozen=True, slots=True)
class Session:
    """`form_token` stands in each form of this session's pages, and proves that a request came from one."""

    username: str
    caller: Principal
    form_token: str

    def may_enter(self, store: str) -> bool:
        return not self.caller.stores or store in self.caller.stores


class SessionService:
    """Signed cookies: every API process reads them. They end after twelve hours, by signing out, with the
    admin, or when its password is changed. `form_keys`: derived from the deployment's secret key, the newest
    first."""

    def __init__(
        self,
        tokens: TokenSigner,
        principals: Principals,
        form_keys: Sequence[bytes],
        now: Callable[[], datetime],
        revocations: Revocations | None = None,
    ) -> None:
        self._revocations = revocations or Revocations(SignOuts(), None, now)
        self._tokens = tokens
        self._callers = principals
        self._form_keys = form_keys
        self._now = now

    def begun(self, admin: Admin) -> str:
        """The cookie's value."""
        return self._tokens.issued(admin, "session", self._now())

    def read(self, cookie: str | None) -> Session | None:
        try:
            admin = self._tokens.read(cookie or "", "session", self._callers, self._now())
        except TokenExpired:
            return None
        if admin is None or self._tokens.id_of(cookie or "") in self._revocations:
            return None
        return Session(admin.username, admin_principal(admin), self._form_tokens(cookie or "")[0])

    async def end(self, cookie: str) -> None:
        """Whoever has a copy of the cookie is signed out too, by every process. Raises Retryable."""
        session_id, now = self._tokens.id_of(cookie), self._now()
        admin = self._tokens.read(cookie, "session", self._callers, now)
        if session_id and admin:
            ended = SignOut(
                session_id=session_id, admin_id=admin.admin_id, ends_at=now + TOKEN_LIFETIMES["session"]
            )
            await self._revocations.add(ended)

    def is_of(self, cookie: str, form_token: str) -> bool:
        """Whether a page of that session carried `form_token`; before a change of the key too."""
        good = [hmac.compare_digest(each.encode(), form_token.encode()) for each in self._form_tokens(cookie)]
        return any(good)

    def _form_tokens(self, cookie: str) -> list[str]:
        digests = (hmac.digest(key, cookie.encode(), "sha256") for key in self._form_keys)
        return [urlsafe_b64encode(digest).decode() for digest in digests]

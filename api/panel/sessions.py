"""Who is signed in: a cookie that scripts cannot read, and a token that its forms must carry."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.auth.authentication import Caller, caller_of
from api.auth.logins import LIVES, Expired, Tokens
from api.auth.principals import Callers
from api.auth.sign_outs import Revocations, SignOuts
from streams.access import Admin, SignOut

COOKIE = "loyalty_session"
FORMS = "panel forms"
"""What the keys of forms are derived for."""
SECONDS = int(LIVES["session"].total_seconds())


@dataclass(frozen=True, slots=True)
class Session:
    """`form_token` stands in each form of this session's pages, and proves that a request came from one."""

    username: str
    caller: Caller
    form_token: str

    def may_enter(self, store: str) -> bool:
        return not self.caller.stores or store in self.caller.stores


class Sessions:
    """Signed cookies: every API process reads them. They end after twelve hours, by signing out, with the
    admin, or when its password is changed. `form_keys`: derived from the deployment's secret key, the newest
    first."""

    def __init__(
        self,
        tokens: Tokens,
        callers: Callers,
        form_keys: Sequence[bytes],
        now: Callable[[], datetime],
        revocations: Revocations | None = None,
    ) -> None:
        self._revocations = revocations or Revocations(SignOuts(), None, now)
        self._tokens = tokens
        self._callers = callers
        self._form_keys = form_keys
        self._now = now

    def begun(self, admin: Admin) -> str:
        """The cookie's value."""
        return self._tokens.issued(admin, "session", self._now())

    def read(self, cookie: str | None) -> Session | None:
        try:
            admin = self._tokens.read(cookie or "", "session", self._callers, self._now())
        except Expired:
            return None
        if admin is None or self._tokens.id_of(cookie or "") in self._revocations:
            return None
        return Session(admin.username, caller_of(admin), self._form_tokens(cookie or "")[0])

    async def end(self, cookie: str) -> None:
        """Whoever has a copy of the cookie is signed out too, by every process. Raises Retryable."""
        session_id, now = self._tokens.id_of(cookie), self._now()
        admin = self._tokens.read(cookie, "session", self._callers, now)
        if session_id and admin:
            ended = SignOut(session_id=session_id, admin_id=admin.admin_id, ends_at=now + LIVES["session"])
            await self._revocations.add(ended)

    def is_of(self, cookie: str, form_token: str) -> bool:
        """Whether a page of that session carried `form_token`; before a change of the key too."""
        good = [hmac.compare_digest(each.encode(), form_token.encode()) for each in self._form_tokens(cookie)]
        return any(good)

    def _form_tokens(self, cookie: str) -> list[str]:
        digests = (hmac.digest(key, cookie.encode(), "sha256") for key in self._form_keys)
        return [urlsafe_b64encode(digest).decode() for digest in digests]

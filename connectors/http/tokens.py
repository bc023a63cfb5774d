"""OAuth 2 access tokens: fetched when first needed, kept until shortly before they expire."""

import asyncio
import base64
import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, TypeVar
from urllib.parse import quote_plus, urlencode

import msgspec

from connectors.http.endpoint_auth import OAuth2
from connectors.http.envelope import USER_AGENT
from connectors.http.sender import Answer, Sender
from connectors.http.urls import target

LOG = logging.getLogger(__name__)

MAX_TOKEN_ANSWER_BYTES = 65_536
"""Most bytes of a token server's answer."""
DEFAULT_LIFETIME = 300
"""Seconds for which a token is used if the server does not say."""
MAX_LIFETIME = 86_400
"""Seconds after which a token is fetched anew, whatever the server says."""
RENEW_EARLY = timedelta(seconds=30)
"""A token is not used this long before it expires, because the request must still arrive. For a short-lived
token it is a tenth of its lifetime."""
_MOST_HELD = 10_000
_T = TypeVar("_T")
_ERROR_CODE = re.compile("[a-z_]{1,64}")


@dataclass(frozen=True, slots=True)
class TokenUnavailable:
    """No token could be got. `reason` holds no secret."""

    reason: str


class _Grant(msgspec.Struct):
    access_token: Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]+\Z")]
    token_type: str = "bearer"  # noqa: S105
    expires_in: Annotated[int, msgspec.Meta(ge=0)] | None = None

    def ends(self, asked_at: datetime) -> datetime:
        life = timedelta(
            seconds=DEFAULT_LIFETIME if self.expires_in is None else min(self.expires_in, MAX_LIFETIME)
        )
        return asked_at + life - min(RENEW_EARLY, life / 10)


class _GrantError(msgspec.Struct):
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class _Fetch:
    terms: OAuth2
    fetch: "asyncio.Task[_Token | TokenUnavailable]"

    def serves(self, terms: OAuth2, at: datetime, spent: str | None) -> bool:
        if self.terms != terms:
            return False
        if not self.fetch.done():
            return True
        token = None if self.fetch.cancelled() else self.fetch.result()
        return isinstance(token, _Token) and at < token.ends_at and token.text != spent


class AccessTokens:
    """A token for each owner. Concurrent requests of one owner share one fetch."""

    def __init__(self, sender: Sender) -> None:
        """`sender` checks the token server's address as it does any other."""
        self._sender = sender
        self._held: dict[str, _Fetch] = {}

    async def token(
        self, owner: str, terms: OAuth2, at: datetime, spent: str | None = None
    ) -> str | TokenUnavailable:
        """The owner's token at that moment. `spent`: a token that the endpoint has refused, and that is not
        returned again."""
        held = self._held.get(owner)
        if held is None or not held.serves(terms, at, spent):
            if len(self._held) >= _MOST_HELD:
                self._held.clear()
            held = self._held[owner] = _Fetch(terms, asyncio.create_task(self._fetch(terms, at)))
        # Shielded: a cancelled request must not cancel the fetch for the others.
        came = await asyncio.shield(held.fetch)
        return came.text if isinstance(came, _Token) else came

    async def _fetch(self, terms: OAuth2, at: datetime) -> _Token | TokenUnavailable:
        """Never raises, because every attempt that waits for the token would get the error."""
        try:
            return await self._request_grant(terms, at)
        except Exception as error:
            LOG.exception("a token could not be fetched")
            return TokenUnavailable(f"no access token: {type(error).__name__}")

    async def _request_grant(self, terms: OAuth2, at: datetime) -> _Token | TokenUnavailable:
        form = {"grant_type": "client_credentials"} | ({"scope": terms.scope} if terms.scope else {})
        pair = f"{quote_plus(terms.client_id)}:{quote_plus(terms.client_secret)}"
        headers = {
            "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
            "User-Agent": USER_AGENT,
        }
        answer = await self._sender.send(
            terms.token_url, headers, urlencode(form).encode(), most=MAX_TOKEN_ANSWER_BYTES
        )
        came = _grant(answer)
        if isinstance(came, _Grant):
            return _Token(came.access_token, came.ends(at))
        return TokenUnavailable(f"no access token from {_host(terms.token_url)}: {came}")


def _host(url: str) -> str:
    try:
        return target(url).authority
    except ValueError:
        return "its token URL"


def _grant(answer: Answer) -> _Grant | str:
    """The grant, or the reason why there is none. The reason holds only the answer's error code, because the
    rest may hold a token."""
    if answer.status is None:
        return answer.error or "no answer"
    if answer.status != 200:
        return f"answered {answer.status}{_error_code(answer.response)}"
    granted = _read(answer.response, _Grant)
    if granted is None:
        return "its answer holds no access_token"
    return granted if granted.token_type.lower() == "bearer" else "its token is not of type Bearer"


def _error_code(response: str) -> str:
    refused = _read(response, _GrantError)
    return f" {refused.error}" if refused and _ERROR_CODE.fullmatch(refused.error) else ""


def _read(text: str, kind: type[_T]) -> _T | None:
    """The answer as a `kind`, or None. JSON may be nested too deeply, or hold huge numbers or lone
    surrogates, for which the parser raises errors other than its own."""
    try:
        # Not strict: some servers put numbers in quotes.
        return msgspec.json.decode(text, type=kind, strict=False)
    except (msgspec.MsgspecError, RecursionError, ValueError, OverflowError):
        return None

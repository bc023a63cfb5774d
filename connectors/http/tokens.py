"""OAuth2 access tokens: fetched when first needed, kept until shortly before they end."""

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
"""Bytes of the token server's answer."""
DEFAULT_LIFETIME = 300
"""Seconds for which a token is taken to be good where the server does not say."""
MAX_LIFETIME = 86_400
"""Seconds after which a token is asked for anew, whatever was said."""
RENEW_EARLY = timedelta(seconds=30)
"""Given up before its end: a request must still arrive with it. Of a short-lived one, a tenth of its life."""
_MOST_HELD = 10_000
_T = TypeVar("_T")
_ERROR_CODE = re.compile("[a-z_]{1,64}")


@dataclass(frozen=True, slots=True)
class NoToken:
    """None was to be had; `reason` holds nothing secret."""

    reason: str


class _Granted(msgspec.Struct):
    access_token: Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]+\Z")]
    token_type: str = "bearer"  # noqa: S105
    expires_in: Annotated[int, msgspec.Meta(ge=0)] | None = None

    def ends(self, asked_at: datetime) -> datetime:
        life = timedelta(
            seconds=DEFAULT_LIFETIME if self.expires_in is None else min(self.expires_in, MAX_LIFETIME)
        )
        return asked_at + life - min(RENEW_EARLY, life / 10)


class _Refused(msgspec.Struct):
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class _Held:
    terms: OAuth2
    fetch: "asyncio.Task[_Token | NoToken]"

    def serves(self, terms: OAuth2, at: datetime, spent: str | None) -> bool:
        if self.terms != terms:
            return False
        if not self.fetch.done():
            return True
        token = None if self.fetch.cancelled() else self.fetch.result()
        return isinstance(token, _Token) and at < token.ends_at and token.text != spent


class AccessTokens:
    """Each owner's token. One fetch at a time for an owner: all that need the token wait for the same one."""

    def __init__(self, sender: Sender) -> None:
        """`sender` guards the token server's address like any other."""
        self._sender = sender
        self._held: dict[str, _Held] = {}

    async def token(self, owner: str, terms: OAuth2, at: datetime, spent: str | None = None) -> str | NoToken:
        """`spent` is a token that the endpoint would not have, and not what is wanted again."""
        held = self._held.get(owner)
        if held is None or not held.serves(terms, at, spent):
            if len(self._held) >= _MOST_HELD:
                self._held.clear()
            held = self._held[owner] = _Held(terms, asyncio.create_task(self._fetched(terms, at)))
        # A request that is cut off takes the fetch from nobody else.
        came = await asyncio.shield(held.fetch)
        return came.text if isinstance(came, _Token) else came

    async def _fetched(self, terms: OAuth2, at: datetime) -> _Token | NoToken:
        """Raises nothing: all attempts that wait for the token would fail with it, and those after them."""
        try:
            return await self._granted(terms, at)
        except Exception as error:
            LOG.exception("a token could not be fetched")
            return NoToken(f"no access token: {type(error).__name__}")

    async def _granted(self, terms: OAuth2, at: datetime) -> _Token | NoToken:
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
        if isinstance(came, _Granted):
            return _Token(came.access_token, came.ends(at))
        return NoToken(f"no access token from {_host(terms.token_url)}: {came}")


def _host(url: str) -> str:
    try:
        return target(url).authority
    except ValueError:
        return "its token URL"


def _grant(answer: Answer) -> _Granted | str:
    """The grant, or why there is none: no more of the answer than a code, for it may hold a token."""
    if answer.status is None:
        return answer.error or "no answer"
    if answer.status != 200:
        return f"answered {answer.status}{_error_code(answer.response)}"
    granted = _read(answer.response, _Granted)
    if granted is None:
        return "its answer holds no access_token"
    return granted if granted.token_type.lower() == "bearer" else "its token is not of type Bearer"


def _error_code(response: str) -> str:
    refused = _read(response, _Refused)
    return f" {refused.error}" if refused and _ERROR_CODE.fullmatch(refused.error) else ""


def _read(text: str, kind: type[_T]) -> _T | None:
    """None where it is none. A reader of JSON meets texts that it has no error of its own for: nested more
    deeply than the stack is, numbers beyond any, halves of characters."""
    try:
        # Some say their numbers in quotes.
        return msgspec.json.decode(text, type=kind, strict=False)
    except (msgspec.MsgspecError, RecursionError, ValueError, OverflowError):
        return None

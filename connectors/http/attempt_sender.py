"""Sends one attempt as its subscription asks: with headers, authentication and signature.

A missing secret, key or token fails the attempt before anything is sent. The delivery is tried again on
schedule and arrives once the secret is there. No request goes out unsigned or unauthenticated instead.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from connectors.http import cloud_events
from connectors.http.endpoint_auth import Basic, Bearer, Certificate, Credentials, OAuth2, credentials
from connectors.http.envelope import envelope, headers
from connectors.http.excerpts import SecretMask, escape_controls
from connectors.http.known_secrets import secrets_of_credentials, secrets_of_subscription
from connectors.http.retry_policy import INTERNAL_FAULT, internal_failure
from connectors.http.sender import Answer, Sender
from connectors.http.signing import sign_original, sign_standard
from connectors.http.signing_keys import HmacKey, Key, read_key
from connectors.http.tokens import AccessTokens, TokenUnavailable
from connectors.http.urls import target
from streams.delivery.records import Delivery, Header, Subscription
from streams.delivery.subscription_options import Auth, Sealed, SigningKey
from streams.errors import Misconfigured
from streams.secrets.sealing import SecretSealer, SecretUnreadable

LOG = logging.getLogger(__name__)
_REMEMBERED = 16_384
_BLANKINGS = 1_024
_FEW = 4_096
"""A subscription with more characters of headers gets no cached mask: a mask takes about ten times their
size."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    delivery: Delivery
    subscription: Subscription
    request_id: str
    at: datetime
    body: bytes


class _Unsendable(Exception):
    """The request cannot be made. The message gives the reason and holds no secret."""


class AttemptSender:
    """`dotted_names`: `eventName` in the new format is `customer.updated` instead of `CustomerUpdated`."""

    def __init__(self, sender: Sender, safe: SecretSealer, *, dotted_names: bool = False) -> None:
        self._sender = sender
        self._safe = safe
        self._dotted_names = dotted_names
        self._tokens = AccessTokens(sender)
        # Reading a key or a certificate costs more than signing: once for each, not for each request.
        self._key: Callable[[Sealed], Key] = lru_cache(_REMEMBERED)(self._read_key)
        self._credentials: Callable[[Auth], Credentials] = lru_cache(_REMEMBERED)(self._read_credentials)
        self._mask_for: Callable[[Subscription], SecretMask] = lru_cache(_BLANKINGS)(self._make_mask)
        self._mask_for_token: Callable[[str], SecretMask] = lru_cache(_BLANKINGS)(
            lambda text: SecretMask([text])
        )

    async def send(
        self, delivery: Delivery, subscription: Subscription, request_id: str, at: datetime
    ) -> Answer:
        """Never raises, whatever goes wrong with the network, endpoint, token server, URL or secrets. The
        answer holds no secret of the subscription."""
        try:
            answer = await self._send(delivery, subscription, request_id, at)
        except (_Unsendable, SecretUnreadable) as reason:
            answer = _unsent_answer(str(reason))
        except Exception as error:
            LOG.exception("attempt %s of delivery %s: %s", request_id, delivery.delivery_id, INTERNAL_FAULT)
            answer = internal_failure(error)
        return self._mask_secrets(answer, subscription)

    async def _send(
        self, delivery: Delivery, subscription: Subscription, request_id: str, at: datetime
    ) -> Answer:
        mode = cloud_events.mode_of(delivery, subscription)
        body = envelope(delivery, request_id, self._dotted_names, mode)
        attempt = _Attempt(delivery, subscription, request_id, at, body)
        standing = cloud_events.headers(delivery, request_id, mode, self._dotted_names)
        standing |= self._signature(attempt)
        match self._credentials_of(subscription):
            case None:
                return await self._post(attempt, standing)
            case Basic() | Bearer() as fixed:
                return await self._post(attempt, standing | {"Authorization": fixed.authorization})
            case OAuth2() as client:
                return await self._post_with_token(attempt, standing, client)
            case Certificate() as certificate:
                return await self._post(attempt, standing, certificate)

    async def _post(
        self, attempt: _Attempt, standing: dict[str, str], certificate: Certificate | None = None
    ) -> Answer:
        wanted = [
            (header.name, self._safe.open(header.sealed) if header.sealed else header.value)
            for header in attempt.subscription.headers
        ]
        return await self._sender.send(
            attempt.subscription.url,
            headers(attempt.delivery, wanted, standing),
            attempt.body,
            certificate=certificate,
        )

    async def _post_with_token(self, attempt: _Attempt, standing: dict[str, str], client: OAuth2) -> Answer:
        """After a 401 the request is sent once more with a new token: the server may have revoked the old
        one."""
        owner, at = attempt.subscription.subscription_id, attempt.at
        token = await self._tokens.token(owner, client, at)
        if isinstance(token, TokenUnavailable):
            return _unsent_answer(token.reason)
        answer = await self._post_bearing(token, attempt, standing)
        if answer.status != 401:
            return answer
        fresh = await self._tokens.token(owner, client, at, spent=token)
        if isinstance(fresh, TokenUnavailable):
            return answer
        return _mask_answer(await self._post_bearing(fresh, attempt, standing), self._mask_for_token(token))

    async def _post_bearing(self, token: str, attempt: _Attempt, standing: dict[str, str]) -> Answer:
        answer = await self._post(attempt, standing | {"Authorization": f"Bearer {token}"})
        return _mask_answer(answer, self._mask_for_token(token))

    def _mask_secrets(self, answer: Answer, subscription: Subscription) -> Answer:
        """The answer without secrets. If the search for them fails, the answer's text is dropped."""
        if not answer.response and not answer.error:
            return answer
        few = sum(map(_length, subscription.headers)) <= _FEW
        try:
            return _mask_answer(answer, (self._mask_for if few else self._make_mask)(subscription))
        except Exception:
            which = subscription.subscription_id
            LOG.exception("an answer to subscription %s could not be searched for secrets", which)
            return replace(answer, response="", error="not kept" if answer.error else None)

    def _make_mask(self, subscription: Subscription) -> SecretMask:
        """A mask of the secrets that can be opened. The others were not sent, so they cannot come back."""
        secrets = list(secrets_of_subscription(subscription, self._open_or_empty))
        if subscription.auth:
            with suppress(_Unsendable, SecretUnreadable):
                secrets += secrets_of_credentials(self._credentials(subscription.auth))
        return SecretMask(secrets)

    def _open_or_empty(self, sealed: Sealed) -> str:
        try:
            return self._safe.open(sealed)
        except SecretUnreadable:
            return ""

    def _credentials_of(self, subscription: Subscription) -> Credentials | None:
        if subscription.auth is None:
            return None
        found = self._credentials(subscription.auth)
        if isinstance(found, Certificate) and not subscription.url.lower().startswith("https:"):
            raise _Unsendable("a client certificate can be shown to an https address alone")
        return found

    def _signature(self, attempt: _Attempt) -> dict[str, str]:
        subscription = attempt.subscription
        if subscription.signing == "none":
            return {}
        live = [k for k in subscription.signing_keys if k.expires_at is None or attempt.at < k.expires_at]
        if subscription.signing == "standard":
            keys = [self._key(k.secret) for k in live]
            if not keys:
                raise _Unsendable("no key to sign with is live")
            return sign_standard(attempt.delivery.delivery_id, attempt.at, attempt.body, keys)
        return self._original(attempt, live)

    def _original(self, attempt: _Attempt, live: list[SigningKey]) -> dict[str, str]:
        newest = max((k for k in live if k.kind == "hmac"), key=lambda k: k.version, default=None)
        secret = self._key(newest.secret) if newest else None
        if newest is None or not isinstance(secret, HmacKey):
            raise _Unsendable("no HMAC key to sign with is live")
        try:
            to = target(attempt.subscription.url)
        except ValueError as error:
            raise _Unsendable(f"could not be sent: {error}") from None
        return sign_original(
            to, attempt.request_id, attempt.at, attempt.body, key=secret, version=newest.version
        )

    def _read_key(self, sealed: Sealed) -> Key:
        try:
            return read_key(self._safe.open(sealed))
        except ValueError as error:
            raise _Unsendable(str(error)) from None

    def _read_credentials(self, auth: Auth) -> Credentials:
        try:
            return credentials(auth.kind, self._safe.open(auth.secret))
        except ValueError as error:
            raise _Unsendable(f"what {auth.kind} authentication needs is not there: {error}") from None


def sealed_secrets_of(subscription: Subscription) -> Iterator[Sealed]:
    """All that must be opened before a request can go out."""
    yield from (header.sealed for header in subscription.headers if header.sealed)
    yield from (signing_key.secret for signing_key in subscription.signing_keys)
    if subscription.auth:
        yield subscription.auth.secret


def check_keys(subscriptions: Iterator[Subscription], safe: SecretSealer) -> None:
    """Raises Misconfigured where secrets cannot be opened: a sink that cannot send must not seem to."""
    shut = [s for s in subscriptions if not all(safe.holds(sealed) for sealed in sealed_secrets_of(s))]
    if shut:
        lack = "does not hold the key that they were sealed with" if safe.ready else "is not set"
        which = f"{len(shut)} subscriptions have secrets, {shut[0].subscription_id} among them"
        place = "after the present one, with a comma between" if safe.ready else "there"
        raise Misconfigured(
            f"{which}, and LOYALTY_SECRET_KEY {lack}. A new key cannot open them: put the one that they were "
            f"sealed with {place}. If it is lost, give these subscriptions new secrets"
        )


def _length(header: Header) -> int:
    return len(header.sealed.text if header.sealed else header.value)


def _mask_answer(answer: Answer, blanking: SecretMask) -> Answer:
    if not answer.response and not answer.error:
        return answer
    error = blanking.blanked(answer.error) if answer.error else None
    return replace(answer, response=blanking.blanked(answer.response), error=error)


def _unsent_answer(reason: str) -> Answer:
    return Answer(None, escape_controls(reason)[:255], "before sending", "", None, 0)

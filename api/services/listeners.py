"""Listeners: begun, fetched for, ended, for `loyalty listen`. See `streams.delivery.listeners`."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from msgspec.structs import replace

from api.auth.audit import AuditedLog, ChangeLog
from api.contract.endpoint_credentials import SecretVault
from api.contract.url_policy import target
from api.problems import Complaint, Conflict, Invalid, NotFound
from api.services.listener_requests import (
    Cursor,
    PreparedRequest,
    RequestCapture,
    fit_position,
    make_deliveries,
    parse_cursor,
    prepare_request,
    split_cursor,
)
from api.services.signing_keys import SigningKeyMaker, with_signing
from connectors.http.attempt_sender import AttemptSender
from connectors.http.sender import Sender
from connectors.http.signing_keys import HmacKey, read_key
from streams.delivery.listeners import LEASE, Listener, Listeners, renew_lease
from streams.delivery.records import Delivery, Subscription
from streams.delivery.subscription_options import CloudEvents, Signing, SigningKey
from streams.projections.listener_feed import FeedItem, Position

LISTENER_ROOT = "listener"
MAX_LISTENERS = 20
"""Listeners of a store, and with it requests that may wait at once."""
MAX_WAIT = 20
"""Seconds for which an answer may wait for something to happen: less than proxies usually allow."""
MAX_REQUESTS = 100
MAX_ANSWER_BYTES = 4 << 20
"""Bytes of bodies after which an answer ends; a larger body comes alone."""
LOOK_INTERVAL = 0.25


class WebhookEventFeed(Protocol):
    """New webhook events and examples, as listeners fetch them."""

    async def end(self) -> Position:
        """The position behind all that is committed. Raises Retryable."""

    async def read(self, store: str, after: Position, until: Position, most: int) -> list[FeedItem]:
        """The store's records between two positions, at most `most`. Raises Retryable."""


@dataclass(frozen=True, slots=True)
class ListenerPorts:
    """`append` writes an example for a listener. `sender_over` makes what turns deliveries into requests over
    a transport. `is_stopping` tells whether the process ends."""

    listeners: Listeners
    log: ChangeLog[Listener]
    feed: WebhookEventFeed
    append: Callable[[Delivery], Awaitable[None]]
    sender_over: Callable[[Sender], AttemptSender]
    is_stopping: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class ListenerOptions:
    """What a new listener asks for. `secret`: its own `whsec_` text, or None for a new one."""

    event_names: tuple[str, ...]
    forward_url: str
    signing: Signing
    secret: str | None
    legacy: bool
    cloud_events: CloudEvents | None


@dataclass(frozen=True, slots=True)
class FetchedRequests:
    requests: tuple[PreparedRequest, ...]
    next: str
    """The place behind all that was looked at."""
    leased_until: datetime


class _AnyTarget:
    """No process of ours connects to a listener's address."""

    def refusal(self, host: str) -> None:  # noqa: ARG002 - the port has it
        return None


class ListenerService:
    """What the routes do. Any process serves any listener: what a client has got, its cursor says."""

    def __init__(
        self,
        ports: ListenerPorts,
        log: AuditedLog[Listener],
        now: Callable[[], datetime],
        signer: SigningKeyMaker | None,
        vault: SecretVault | None,
    ) -> None:
        self._ports = ports
        self._log = log
        self.now = now
        self._signer = signer
        self._vault = vault
        self._turns: dict[str, object] = {}

    async def of_store(self, store: str) -> list[Listener]:
        """The listeners whose lease is not over, the oldest first."""
        await self._log.current()
        now = self.now()
        return [each for each in self._ports.listeners.all() if each.store == store and not each.is_over(now)]

    async def one(self, store: str, listener_id: str) -> Listener:
        """Raises 404 for one whose lease is over, and for another store's."""
        found = self._ports.listeners.get(listener_id)
        if found is None:
            await self._log.current()
            found = self._ports.listeners.get(listener_id)
        if found is None or found.store != store or found.is_over(self.now()):
            raise NotFound
        return found

    async def begin(self, store: str, options: ListenerOptions, who: str) -> tuple[Listener, str | None]:
        """A listener of what is published from now on, and the secret to verify it with if it is signed."""
        if len(await self.of_store(store)) >= MAX_LISTENERS:
            message = f"A store has at most {MAX_LISTENERS} listeners at a time: end one."
            raise Conflict(Complaint(LISTENER_ROOT, message, "too_many"))
        if options.legacy and options.cloud_events:
            message = "The legacy format has no CloudEvents: one of the two only."
            raise Invalid(Complaint(f"{LISTENER_ROOT}.cloudEvents", message, "conflict"))
        now = self.now()
        plain = Listener(
            listener_id=str(uuid.uuid4()),
            store=store,
            event_names=options.event_names,
            forward_url=_require_url(options.forward_url),
            who=who[:255],
            created_at=now,
            leased_until=now + LEASE,
            first_offsets=await self._ports.feed.end(),
            legacy=options.legacy,
            cloud_events=options.cloud_events,
        )
        signing, keys, secret = self._signing(plain.as_subscription(), options, now)
        made = _with_keys(plain, signing, keys)
        await self._log.write(made.listener_id, made)
        return made, secret

    async def end(self, store: str, listener_id: str) -> None:
        await self.one(store, listener_id)
        await self._log.write(listener_id, None)

    async def fetch(
        self, store: str, listener_id: str, cursor: str | None, wait: float, most: int
    ) -> FetchedRequests:
        """The requests behind `cursor`, which is where the client stands; without one all since the listener
        began. Waits up to `wait` seconds if there is none yet. Renews the lease.

        A later call for the same listener ends an earlier one, whose client has lost its connection.
        """
        listener = await self._renew(await self.one(store, listener_id))
        place = parse_cursor(cursor, listener)
        turn = self._turns[listener_id] = object()
        deadline = asyncio.get_running_loop().time() + wait
        try:
            while True:
                requests, place = await self._read(listener, place, most)
                is_late = asyncio.get_running_loop().time() >= deadline
                if requests or is_late or self._is_left(listener, turn):
                    return FetchedRequests(tuple(requests), place.text(), listener.leased_until)
                await asyncio.sleep(LOOK_INTERVAL)
        finally:
            if self._turns.get(listener_id) is turn:
                del self._turns[listener_id]

    async def add_example(self, delivery: Delivery) -> None:
        """Puts an example on the way to its listener, whichever process that is connected to."""
        await self._ports.append(delivery)

    def _is_left(self, listener: Listener, turn: object) -> bool:
        """Whether nobody waits for this answer any more, or nobody may."""
        id_ = listener.listener_id
        known = self._ports.listeners.get(id_)
        return self._turns.get(id_) is not turn or known is None or self._ports.is_stopping()

    async def _renew(self, listener: Listener) -> Listener:
        now = self.now()
        after = renew_lease(listener, now)
        if after != listener:
            # Not audited: nothing changes but when it ends.
            await self._ports.log.change(
                listener.listener_id, lambda before: before and renew_lease(before, now), _announce_nothing
            )
        return self._ports.listeners.get(listener.listener_id) or after

    def _signing(
        self, subscription: Subscription, options: ListenerOptions, now: datetime
    ) -> tuple[Signing, tuple[SigningKey, ...], str | None]:
        if options.secret is None or options.signing == "none":
            signed, secret = with_signing(subscription, options.signing, self._signer, now)
            return signed.signing, signed.signing_keys, secret
        if self._vault is None:
            message = "Webhooks cannot be signed here: no secret can be kept."
            raise Invalid(Complaint(f"{LISTENER_ROOT}.secret", message, "unavailable"))
        try:
            key = read_key(options.secret)
        except ValueError as error:
            raise Invalid(Complaint(f"{LISTENER_ROOT}.secret", f"Not usable: {error}.", "invalid")) from None
        if not isinstance(key, HmacKey):
            message = "Only a whsec_ secret is shared with a listener."
            raise Invalid(Complaint(f"{LISTENER_ROOT}.secret", message, "invalid"))
        sealed = SigningKey(kind="hmac", version=1, secret=self._vault.seal(options.secret), created_at=now)
        return options.signing, (sealed,), options.secret

    async def _read(
        self, listener: Listener, place: Cursor, most: int
    ) -> tuple[list[PreparedRequest], Cursor]:
        end = await self._ports.feed.end()
        after = fit_position(place.position, len(end))
        if after == end:
            return [], place
        found: list[PreparedRequest] = []
        size, here = 0, Cursor(after, place.given)
        for item in await self._ports.feed.read(listener.store, after, end, MAX_REQUESTS * 5):
            of_record = make_deliveries(listener, item)
            deliveries = [each for each in of_record if each.delivery_id != here.given]
            # It was found: no later record has it.
            given = here.given if len(deliveries) == len(of_record) else None
            for index, delivery in enumerate(deliveries):
                is_last = index + 1 == len(deliveries)
                here = Cursor(item.behind, given) if is_last else Cursor(here.position, delivery.delivery_id)
                made = await self._prepare(listener, delivery, here.text())
                if found and size + len(made.body) > MAX_ANSWER_BYTES:
                    return found, split_cursor(found[-1].cursor)
                found.append(made)
                size += len(made.body)
                if len(found) >= most:
                    return found, here
            here = Cursor(item.behind, given)
        return found, here

    async def _prepare(self, listener: Listener, delivery: Delivery, cursor: str) -> PreparedRequest:
        capture = RequestCapture()
        sender = self._ports.sender_over(capture)
        made = await prepare_request(listener, delivery, sender, capture, self.now())
        return PreparedRequest(cursor, delivery, *made)


def _require_url(text: str) -> str:
    try:
        return target(text, _AnyTarget())
    except ValueError as error:
        path = f"{LISTENER_ROOT}.forwardUrl"
        raise Invalid(Complaint(path, f"The URL {error}.", "invalid_url")) from None


def _with_keys(listener: Listener, signing: Signing, keys: tuple[SigningKey, ...]) -> Listener:
    return replace(listener, signing=signing, signing_keys=keys)


async def _announce_nothing(_: object, __: object) -> None:
    await asyncio.sleep(0)

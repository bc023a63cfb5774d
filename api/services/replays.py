"""Replays of webhooks: count, start, list, cancel."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from msgspec.structs import replace

from api.auth.audit import AuditedLog, ChangeLog
from api.auth.authentication import CHANGE_SOURCE
from api.problems import Complaint, Conflict, Invalid, NotFound, shorten_json
from api.services.idempotency import fingerprint, require_same
from api.services.replay_requests import (
    REPLAY_ROOT,
    ReplayPreview,
    ReplayRequest,
    parse_event_name,
    require_playable,
    require_rate,
    selection_for,
)
from streams.delivery.records import Subscription
from streams.delivery.replay_jobs import ReplayJob, ReplayJobs, ReplayOrder, ReplayProgress
from streams.domain.ids import derived_id

KEEP_FOR = timedelta(days=90)
"""How long an ended replay stays listed."""
CANCEL_TIMEOUT = 5.0
FindSubscription = Callable[[str, str], Awaitable[Subscription]]
"""The present subscription of that store and id. Raises NotFound."""


class ProgressLog(Protocol):
    async def write(self, key: str, value: ReplayProgress | None) -> None: ...


class ReplayCounts(Protocol):
    """The result of a count."""

    @property
    def deliveries(self) -> int: ...
    @property
    def exact(self) -> bool: ...
    @property
    def offsets(self) -> int: ...


class ReplayCounter(Protocol):
    async def of(self, order: ReplayOrder, subscription: Subscription) -> ReplayCounts | None:
        """None if reading the deliveries' outcomes takes too long. Raises Retryable."""


@dataclass(frozen=True, slots=True)
class ReplayPorts:
    """What the replay service needs."""

    orders: ReplayJobs
    log: ChangeLog[ReplayOrder]
    progress: ProgressLog
    counter: ReplayCounter
    process: str
    """This process's name: it starts the replays that were requested from it."""


@dataclass(frozen=True, slots=True)
class ReplayService:
    """Every method raises NotFound if the store has no such subscription, and Retryable."""

    ports: ReplayPorts
    log: AuditedLog[ReplayOrder]
    find: FindSubscription
    now: Callable[[], datetime]

    async def count(self, store: str, subscription_id: str, wish: ReplayRequest) -> ReplayPreview:
        """What the replay would send; sends nothing. Raises Invalid, and Conflict if the subscription is not
        active."""
        subscription, order = await self._make_order(store, subscription_id, wish, str(uuid.uuid4()))
        found = await self.ports.counter.of(order, subscription)
        if found is None:
            message = (
                f"Too much was delivered since then to look up what is {shorten_json(wish.only)} beforehand: "
                "ask for a shorter time, for all, or start it, for it counts as it begins."
            )
            raise Invalid(Complaint(f"{REPLAY_ROOT}.only", message, "too_much", wish.only))
        seconds = -(-found.deliveries // wish.rate)
        arrays = tuple(selection_for(subscription, order).arrays)
        return ReplayPreview(found.deliveries, found.exact, found.offsets, seconds, arrays)

    async def start(
        self, store: str, subscription_id: str, wish: ReplayRequest, key: str | None = None
    ) -> ReplayJob:
        """Starts a replay, which outlives this process. The `key` of an earlier request of the caller returns
        that replay, and raises KeyReused if its request was another one. Raises Invalid, and Conflict while
        another replay of the subscription runs."""
        id_ = self._replay_id(subscription_id, key)
        _, asked = await self._make_order(store, subscription_id, wish, id_)
        order = replace(asked, fingerprint=fingerprint(repr(wish))) if key else asked

        def made(before: ReplayOrder | None) -> ReplayOrder:
            if before is None:
                self._refuse_second(subscription_id)
                return order
            require_same(before.fingerprint, order.fingerprint)
            return before

        await self.log.change(id_, made)
        await self._forget_old()
        return self._get_replay(subscription_id, id_)

    def _replay_id(self, subscription_id: str, key: str | None) -> str:
        """The replay's id: the same for the same key of the same caller."""
        source = CHANGE_SOURCE.get()
        who = source.who if source else "unknown"
        return derived_id(subscription_id, "replay", who, key) if key else str(uuid.uuid4())

    async def page(self, store: str, subscription_id: str) -> list[ReplayJob]:
        """The replays of the last ninety days, the newest first."""
        await self.find(store, subscription_id)
        await self.log.current()
        return self.ports.orders.of(subscription_id)

    async def one(self, store: str, subscription_id: str, replay_id: str) -> ReplayJob:
        """A replay and its progress. Raises NotFound."""
        await self.find(store, subscription_id)
        await self.log.current()
        return self._get_replay(subscription_id, replay_id)

    async def cancel(self, store: str, subscription_id: str, replay_id: str) -> ReplayJob:
        """Cancels the replay and waits for its end, five seconds at most. Raises NotFound, and Conflict if it
        has ended."""
        found = await self.one(store, subscription_id, replay_id)
        if found.ended:
            raise Conflict(Complaint("replay", f"It is {found.state} already.", "ended", found.state))
        await self.log.change(replay_id, self._mark_cancelled)
        await self._wait_for_end(subscription_id, replay_id)
        return self._get_replay(subscription_id, replay_id)

    def _mark_cancelled(self, order: ReplayOrder | None) -> ReplayOrder | None:
        return replace(order, cancelled_at=self.now()) if order and order.cancelled_at is None else order

    async def _wait_for_end(self, subscription_id: str, replay_id: str) -> None:
        news = asyncio.Event()
        forget = self.ports.orders.tell(lambda _: news.set())
        try:
            async with asyncio.timeout(CANCEL_TIMEOUT):
                while not self._get_replay(subscription_id, replay_id).ended:
                    news.clear()
                    await news.wait()
        except TimeoutError:
            # Another process ends it, in a moment.
            return
        finally:
            forget()

    def _get_replay(self, subscription_id: str, replay_id: str) -> ReplayJob:
        found = self.ports.orders.get(replay_id)
        if found is None or found.order.subscription_id != subscription_id:
            raise NotFound
        return found

    async def _make_order(
        self, store: str, subscription_id: str, wish: ReplayRequest, replay_id: str
    ) -> tuple[Subscription, ReplayOrder]:
        subscription, now = await self.find(store, subscription_id), self.now()
        source = CHANGE_SOURCE.get()
        order = ReplayOrder(
            replay_id=replay_id,
            store=store,
            subscription_id=subscription_id,
            since=wish.since,
            until=min(wish.until or now, now),
            event_name=parse_event_name(wish.event_name),
            member_id=wish.member_id,
            only=wish.only,
            rate=require_rate(wish.rate),
            asked_by=(source.who if source else "unknown")[:255],
            asked_at=now,
            process=self.ports.process,
        )
        require_playable(order, subscription)
        return subscription, order

    def _refuse_second(self, subscription_id: str) -> None:
        for each in self.ports.orders.of(subscription_id):
            if not each.ended:
                id_ = each.order.replay_id
                message = f"Replay {id_} of the subscription is {each.state}: wait for it, or cancel it."
                raise Conflict(Complaint(REPLAY_ROOT, message, "running", id_))

    async def _forget_old(self) -> None:
        for each in self.ports.orders.ended():
            if each.order.asked_at < self.now() - KEEP_FOR:
                await self.ports.progress.write(each.order.replay_id, None)
                await self.log.write(each.order.replay_id, None)

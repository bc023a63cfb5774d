"""Dead letters of a subscription, listed and sent again; and the retry of a single delivery."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from api.auth.audit import AuditTrail
from api.problems import Complaint, Conflict, Invalid, NotFound
from api.services.replay_requests import parse_event_name, require_active
from streams.delivery.records import DeadLetter, Delivery, Subscription
from streams.jobs.delivery_lookup import StoredDelivery
from streams.jobs.redrive import RedriveCandidate, RedriveCount
from streams.jobs.redrive_sources import DeadLetterFilter

REDRIVE_ROOT = "redrive"
MAX_LETTERS = 10_000
"""Most dead letters in a list, and most sent again by one call."""
FindSubscription = Callable[[str, str], Awaitable[Subscription]]


class DeadLetterPort(Protocol):
    """Where dead letters and deliveries are kept. Every method raises Retryable."""

    async def newest(
        self, subscription_id: str, wanted: DeadLetterFilter, most: int
    ) -> list[RedriveCandidate[DeadLetter]]: ...

    async def count(self, subscription_id: str, wanted: DeadLetterFilter) -> RedriveCount: ...

    async def redrive(
        self, subscription_id: str, wanted: DeadLetterFilter, most: int
    ) -> tuple[RedriveCount, int]:
        """What could be sent, and how many were sent."""

    async def kept(self, subscription: Subscription, delivery_id: str) -> StoredDelivery | None:
        """None if there is none or it is no longer kept. Raises TimeoutError if the lookup takes too long."""

    async def again(self, delivery: Delivery) -> None:
        """Appends the delivery to `deliveries`."""


@dataclass(frozen=True, slots=True)
class DeadLetterQuery:
    """Dead letters that meet every condition. Given up from `since` on and before `until`. Status None: there
    was no answer; no statuses: any."""

    since: datetime | None = None
    until: datetime | None = None
    event_name: str | None = None
    statuses: frozenset[int | None] = frozenset()
    message_id: str | None = None


class DeadLetterEntry(NamedTuple):
    """A dead letter, without its body."""

    id: str
    message_id: str
    event_name: str
    member_id: str
    reason: str
    attempts: int
    status: int | None
    given_up_at: datetime
    redriven_at: datetime | None
    obstacle: str | None
    """Why it cannot be sent again; None if it can."""


class RedriveResult(NamedTuple):
    matching: int
    redriven: int
    remaining: int
    """Those that could be sent and were not yet."""
    obstacles: dict[str, int]
    """How many cannot be sent, by obstacle."""


@dataclass(frozen=True, slots=True)
class DeadLetterService:
    """Every method raises NotFound if the store has no such subscription, Invalid, and Retryable."""

    box: DeadLetterPort
    find: FindSubscription
    audit: AuditTrail
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def page(self, store: str, subscription_id: str, asked: DeadLetterQuery) -> list[DeadLetterEntry]:
        """The newest ten thousand, the newest first."""
        await self.find(store, subscription_id)
        found = await self.box.newest(subscription_id, _make_filter(subscription_id, asked), MAX_LETTERS)
        return [_make_entry(each) for each in found]

    async def count(self, store: str, subscription_id: str, asked: DeadLetterQuery) -> RedriveResult:
        """What one call of `redrive` would do. Sends nothing."""
        await self.find(store, subscription_id)
        count = await self.box.count(subscription_id, _make_filter(subscription_id, asked))
        return RedriveResult(count.matching, 0, count.to_send, dict(count.obstacles))

    async def redrive(self, store: str, subscription_id: str, asked: DeadLetterQuery) -> RedriveResult:
        """Sends each once, with the same messageId and the whole retry schedule ahead; ten thousand by one
        call. A second call sends nothing twice. Raises Conflict if the subscription is not active."""
        require_active(await self.find(store, subscription_id))
        await self.audit.record("changed", "delivery", subscription_id)
        count, sent = await self.box.redrive(
            subscription_id, _make_filter(subscription_id, asked), MAX_LETTERS
        )
        return RedriveResult(count.matching, sent, count.to_send - sent, dict(count.obstacles))

    async def retry(self, store: str, subscription_id: str, message_id: str) -> str:
        """Sends a delivery again with the same messageId. Returns `redriven` for a dead letter, `replayed`
        for a delivered one. Raises NotFound if it is no longer kept, and Conflict while it is pending."""
        subscription = await self.find(store, subscription_id)
        require_active(subscription)
        async with self.turn:
            await self.audit.record("changed", "delivery", message_id)
            wanted = _make_filter(subscription_id, DeadLetterQuery(message_id=message_id))
            _, sent = await self.box.redrive(subscription_id, wanted, 1)
            if not sent:
                delivery = await self._find_delivered(subscription, message_id)
                await self.box.again(delivery)
        return "redriven" if sent else "replayed"

    async def _find_delivered(self, subscription: Subscription, message_id: str) -> Delivery:
        try:
            kept = await self.box.kept(subscription, message_id)
        except TimeoutError:
            message = "It was not found in time among all that was delivered: replay its event instead."
            raise Invalid(Complaint("delivery", message, "too_much", message_id)) from None
        if kept is None:
            raise NotFound
        if kept.erased:
            message = "It is of a member that is erased: nothing of it is sent again."
            raise Conflict(Complaint("delivery", message, "erased", message_id))
        if kept.fate == "pending":
            message = "It is under way: it is sent, or tried again, without being asked."
            raise Conflict(Complaint("delivery", message, "pending", message_id))
        return replace(kept.delivery, replay=str(uuid.uuid4()), tried=kept.tried)


def _make_filter(subscription_id: str, asked: DeadLetterQuery) -> DeadLetterFilter:
    if asked.since and asked.until and asked.since >= asked.until:
        message = f"It must be before until, {asked.until.isoformat()}."
        raise Invalid(Complaint(f"{REDRIVE_ROOT}.since", message, "invalid", asked.since.isoformat()))
    name = parse_event_name(asked.event_name, f"{REDRIVE_ROOT}.eventName")
    return DeadLetterFilter(
        subscriptions=frozenset((subscription_id,)),
        events=frozenset((name,) if name else ()),
        statuses=asked.statuses,
        since=asked.since,
        until=asked.until,
        deliveries=frozenset((asked.message_id,) if asked.message_id else ()),
    )


def _make_entry(found: RedriveCandidate[DeadLetter]) -> DeadLetterEntry:
    letter, delivery = found.record, found.record.delivery
    return DeadLetterEntry(
        id=str(found.id),
        message_id=delivery.delivery_id,
        event_name=delivery.event_name,
        member_id=delivery.member_id,
        reason=letter.reason,
        attempts=letter.attempts,
        status=letter.status,
        given_up_at=letter.given_up_at,
        redriven_at=found.redriven_at,
        obstacle=found.obstacle,
    )

"""Dead letters of a subscription, listed and sent again; and one delivery, whatever became of it."""

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
from streams.jobs.redrive import Count, Found
from streams.jobs.redrive_sources import LettersWanted

REDRIVE_ROOT = "redrive"
MAX_LETTERS = 10_000
"""Letters in a list, and sent again by one call."""
FindSubscription = Callable[[str, str], Awaitable[Subscription]]


class DeadLetterPort(Protocol):
    """Where dead letters and deliveries are. All of it raises Retryable."""

    async def newest(
        self, subscription_id: str, wanted: LettersWanted, most: int
    ) -> list[Found[DeadLetter]]: ...

    async def count(self, subscription_id: str, wanted: LettersWanted) -> Count: ...

    async def redrive(self, subscription_id: str, wanted: LettersWanted, most: int) -> tuple[Count, int]:
        """What there was to send, and how many of it were sent."""

    async def kept(self, subscription: Subscription, delivery_id: str) -> StoredDelivery | None:
        """None: there is none, or it is not kept. Raises TimeoutError where it takes too long to look up."""

    async def again(self, delivery: Delivery) -> None:
        """It is appended to the deliveries."""


@dataclass(frozen=True, slots=True)
class DeadLetterQuery:
    """Those for which all of it holds. Given up from `since` on and before `until`. A status of None: there
    was no answer; no status: whichever."""

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
    """Why it cannot be sent again, if so."""


class RedriveResult(NamedTuple):
    matching: int
    redriven: int
    remaining: int
    """Which could be sent and were not yet."""
    obstacles: dict[str, int]
    """By what stands in their way, the others."""


@dataclass(frozen=True, slots=True)
class DeadLetterService:
    """Every method raises 404 where the store has no such subscription, Invalid, and Retryable."""

    box: DeadLetterPort
    find: FindSubscription
    audit: AuditTrail
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def page(self, store: str, subscription_id: str, asked: DeadLetterQuery) -> list[DeadLetterEntry]:
        """The newest first: of many, the newest ten thousand."""
        await self.find(store, subscription_id)
        found = await self.box.newest(subscription_id, _wanted(subscription_id, asked), MAX_LETTERS)
        return [_letter(each) for each in found]

    async def count(self, store: str, subscription_id: str, asked: DeadLetterQuery) -> RedriveResult:
        """What `redrive` would do, as far as one call goes. Nothing is sent."""
        await self.find(store, subscription_id)
        count = await self.box.count(subscription_id, _wanted(subscription_id, asked))
        return RedriveResult(count.matching, 0, count.to_send, dict(count.obstacles))

    async def redrive(self, store: str, subscription_id: str, asked: DeadLetterQuery) -> RedriveResult:
        """Each once, with the same messageId and the whole schedule before it; ten thousand by one call.
        Called again, nothing is sent twice. Raises Conflict where nothing is sent to the subscription."""
        require_active(await self.find(store, subscription_id))
        await self.audit.record("changed", "delivery", subscription_id)
        count, sent = await self.box.redrive(subscription_id, _wanted(subscription_id, asked), MAX_LETTERS)
        return RedriveResult(count.matching, sent, count.to_send - sent, dict(count.obstacles))

    async def retry(self, store: str, subscription_id: str, message_id: str) -> str:
        """`redriven`: it was given up, and is sent again; `replayed`: it was delivered, and is sent again.
        Same messageId. Raises 404 where it is not kept, and Conflict while it is under way."""
        subscription = await self.find(store, subscription_id)
        require_active(subscription)
        async with self.turn:
            await self.audit.record("changed", "delivery", message_id)
            wanted = _wanted(subscription_id, DeadLetterQuery(message_id=message_id))
            _, sent = await self.box.redrive(subscription_id, wanted, 1)
            if not sent:
                delivery = await self._delivered(subscription, message_id)
                await self.box.again(delivery)
        return "redriven" if sent else "replayed"

    async def _delivered(self, subscription: Subscription, message_id: str) -> Delivery:
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


def _wanted(subscription_id: str, asked: DeadLetterQuery) -> LettersWanted:
    if asked.since and asked.until and asked.since >= asked.until:
        message = f"It must be before until, {asked.until.isoformat()}."
        raise Invalid(Complaint(f"{REDRIVE_ROOT}.since", message, "invalid", asked.since.isoformat()))
    name = parse_event_name(asked.event_name, f"{REDRIVE_ROOT}.eventName")
    return LettersWanted(
        subscriptions=frozenset((subscription_id,)),
        events=frozenset((name,) if name else ()),
        statuses=asked.statuses,
        since=asked.since,
        until=asked.until,
        deliveries=frozenset((asked.message_id,) if asked.message_id else ()),
    )


def _letter(found: Found[DeadLetter]) -> DeadLetterEntry:
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

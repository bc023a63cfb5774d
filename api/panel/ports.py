"""Stand-ins until the real ones are merged."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Protocol

from streams.delivery.journal import Known
from streams.delivery.records import Subscription
from streams.delivery.search import Counters, One, Page, Search
from streams.delivery.terms import Condition

Kind = Literal[
    "delivered", "pending", "dead", "filtered", "not subscribed", "not active yet", "paused", "disabled",
    "not come to yet", "missing", "unknown",
]


@dataclass(frozen=True)
class Verdict:
    subscription_id: str
    kind: Kind
    sentence: str
    delivery: Known | None = None
    condition: Condition | None = None
    found: str | None = None


@dataclass(frozen=True)
class Told:
    webhook_event_id: str
    event_name: str | None
    member_id: str | None
    created_at: datetime | None
    verdicts: tuple[Verdict, ...]


class Sent(NamedTuple):
    method: str
    url: str
    headers: tuple[tuple[str, str | None], ...]
    body: str


class Deliveries(Protocol):
    @property
    def caught_up(self) -> bool: ...
    async def current(self) -> None: ...
    async def search(self, asked: Search) -> Page: ...
    async def one(self, store: str, delivery_id: str) -> One | None: ...
    async def counters(self, subscription_ids: Iterable[str], now: datetime, hours: int = 24) -> dict[str, Counters]: ...


def request_of(one: One, subscription: Subscription | None, request_id: str, dotted_names: bool) -> Sent:
    return Sent("POST", subscription.url if subscription else "", (("Authorization", None), ("Content-Type", "application/json")), one.delivery.data if one.delivery else "")


class Whys(Protocol):
    async def why(self, store: str, *, webhook_event_id: str | None = None, member_id: str | None = None, at: datetime | None = None, within: timedelta = timedelta(hours=1), subscription_id: str | None = None) -> tuple[Told, ...]: ...


@dataclass(frozen=True)
class LettersAsked:
    since: datetime | None = None
    until: datetime | None = None
    event_name: str | None = None
    statuses: frozenset[int | None] = frozenset()
    message_id: str | None = None


class Letter(NamedTuple):
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


class Redriven(NamedTuple):
    matching: int
    redriven: int
    remaining: int
    obstacles: dict[str, int]


class Letters(Protocol):
    async def page(self, store: str, subscription_id: str, asked: LettersAsked) -> list[Letter]: ...
    async def count(self, store: str, subscription_id: str, asked: LettersAsked) -> Redriven: ...
    async def redrive(self, store: str, subscription_id: str, asked: LettersAsked) -> Redriven: ...
    async def retry(self, store: str, subscription_id: str, message_id: str) -> str: ...


def statuses(status: str | None, path: str) -> frozenset[int | None]:
    from api.errors import Complaint, Invalid
    if status is None:
        return frozenset()
    if status == "none":
        return frozenset((None,))
    if status.endswith("xx"):
        return frozenset(range(int(status[0]) * 100, int(status[0]) * 100 + 100))
    if status.isdigit():
        return frozenset((int(status),))
    raise Invalid(Complaint(path, "is not valid: 404, 5xx, or none for no answer.", "invalid", status))

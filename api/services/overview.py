"""Is it well? What the panel's overview and GET /api/{storeCode}/overview say.

A store's own subscriptions are for all who may read. What goes on in the whole pipeline is of all stores
together: it is for callers of all stores whose scopes have `admin`; others are told whether it is well.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from api.auth.authentication import Principal
from api.services.endpoint_health import EndpointHealth, EndpointHealthService
from streams.delivery.delivery_search import DeliveryPage, DeliverySearch, SubscriptionCounters
from streams.delivery.records import Subscription
from streams.delivery.subscription import Subscriptions
from streams.errors import Retryable
from streams.kafka.unfit_records import UnfitRecord
from streams.pipeline_health.figures import StageFigures, append_rate, stage_figures
from streams.pipeline_health.samples import Sample
from streams.pipeline_health.verdict import (
    Trouble,
    count_text,
    duration_text,
    find_troubles,
    healthy_sentence,
)

MAX_DURATIONS = 50
"""How many of an endpoint's latest deliveries tell how fast it answers."""
LONG_WAIT = timedelta(minutes=1)
"""A delivery that waits longer, though its endpoint works, is worth a word."""


class PipelineSamples(Protocol):
    @property
    def samples(self) -> Sequence[Sample]:
        """Of the last hour, the oldest first."""


class DeliveryCounts(Protocol):
    """Both raise Retryable while it is not there."""

    async def counters(
        self, subscription_ids: Iterable[str], now: datetime, hours: int = 24
    ) -> Mapping[str, SubscriptionCounters]: ...

    async def search(self, asked: DeliverySearch) -> DeliveryPage: ...


@dataclass(frozen=True, slots=True)
class EndpointOverview:
    """A subscription of the store, and how its deliveries fare. `counters` None: not counted now."""

    subscription: Subscription
    standing: EndpointHealth
    counters: SubscriptionCounters | None

    def waits(self, now: datetime) -> timedelta:
        """For how long the oldest of what waits has."""
        at = self.counters.oldest_pending_at if self.counters else None
        return max(now - at, timedelta(0)) if at else timedelta(0)

    def last_day(self, what: str) -> int:
        return sum(getattr(hour, what) for hour in self.counters.hours) if self.counters else 0


@dataclass(frozen=True, slots=True)
class AttemptDurations:
    """Milliseconds that a try takes: half of them take less than `usual`, of twenty one more than `slow`."""

    usual: int
    slow: int


def durations(milliseconds: Sequence[int]) -> AttemptDurations | None:
    if not milliseconds:
        return None
    ranked, many = sorted(milliseconds), len(milliseconds)
    return AttemptDurations(ranked[(many - 1) // 2], ranked[-(-many * 19 // 20) - 1])


@dataclass(frozen=True, slots=True)
class PipelineOverview:
    """`whole`: with the figures of the whole pipeline, which `samples` are. The worst endpoints first."""

    at: datetime
    samples: Sequence[Sample]
    endpoints: Sequence[EndpointOverview]
    whole: bool
    aside: Sequence[UnfitRecord] = ()
    """Of the store, or of all for those who see the whole."""

    @property
    def counted(self) -> bool:
        return all(endpoint.counters for endpoint in self.endpoints)

    @property
    def fares(self) -> list[StageFigures]:
        return stage_figures(self.samples)

    @property
    def troubles(self) -> list[Trouble]:
        """The worst first."""
        pipeline = find_troubles(self.samples, self.at)
        late = any(trouble.weight == "bad" for trouble in pipeline)
        told = pipeline if self.whole else [OTHER_STORES_TROUBLE] if late else []
        found = [*_of_aside(self.aside), *told, *_of_endpoints(self.endpoints, self.at)]
        return sorted(found, key=lambda one: one.weight != "bad")

    @property
    def sentence(self) -> str:
        if found := self.troubles:
            return found[0].what
        oldest = max(
            (one.waits(self.at) for one in self.endpoints if one.standing.word == "active"), default=None
        )
        return healthy_sentence(self.samples, self.at, oldest, whole=self.whole)

    def rate(self, topic: str) -> float | None:
        return append_rate(self.samples, topic)


OTHER_STORES_TROUBLE = Trouble(
    "bad", "Webhooks are late: the pipeline does not keep up.", "An operator sees here what is wrong."
)
"""What those are told who do not see the whole pipeline."""


def _of_aside(aside: Sequence[UnfitRecord]) -> Iterator[Trouble]:
    for one in aside:
        stays = "what was there before stays" if one.in_force is not None else "nothing is there instead"
        wrong = f"{one.key}: {one.fault.field} {one.fault.reason}"
        what = f"A record of {one.topic} cannot be used, and {stays}: {wrong}."
        yield Trouble("bad", what, "See where it stands, then set it anew.", command="loyalty doctor")


def _of_endpoints(endpoints: Sequence[EndpointOverview], now: datetime) -> Iterator[Trouble]:
    disabled = [e for e in endpoints if e.standing.word == "disabled" and e.subscription.state == "active"]
    failing = [e for e in endpoints if e.standing.word == "failing"]
    slow = [e for e in endpoints if e.standing.word == "active" and e.waits(now) > LONG_WAIT]
    if disabled:
        what = (
            f"{count_text(len(disabled), 'webhook')} had only failures for too long: nothing is sent there."
        )
        yield Trouble(
            "bad", what, "Mend what receives them, then make them active.", page=_page(disabled, "disabled")
        )
    if failing:
        what = (
            f"{count_text(len(failing), 'webhook')} cannot be delivered now: one try after the other fails."
        )
        yield Trouble("warn", what, "See what their endpoints answer.", page=_page(failing, "failing"))
    if slow:
        waits = duration_text(max(endpoint.waits(now) for endpoint in slow))
        what = f"Deliveries of {count_text(len(slow), 'webhook')} wait, the oldest for {waits}."
        yield Trouble("warn", what, "See for what they wait.", page=_page(slow, "active"))
    if dead := sum(endpoint.last_day("dead") for endpoint in endpoints):
        given_up = f"{count_text(dead, 'delivery', 'deliveries')} of the last 24 hours"
        what = f"{given_up} {'was' if dead == 1 else 'were'} given up."
        yield Trouble("warn", what, "See why, and send them again.", page="deliveries?status=dead")


def _page(endpoints: Sequence[EndpointOverview], status: str) -> str:
    if len(endpoints) == 1:
        return f"webhooks/{endpoints[0].subscription.subscription_id}"
    return f"webhooks?status={status}"


@dataclass(frozen=True, slots=True)
class OverviewService:
    """Asks no cluster: what it says is as fresh as what is followed here, and comes while Kafka is away."""

    flow: PipelineSamples
    journal: DeliveryCounts
    index: Subscriptions
    standings: EndpointHealthService
    now: Callable[[], datetime]
    aside: Callable[[], Sequence[UnfitRecord]]

    async def of(self, store: str, caller: Principal) -> PipelineOverview:
        at = self.now()
        subscriptions = self.index.of_store(store)
        counters = await self._counters([one.subscription_id for one in subscriptions], at)
        endpoints = [
            EndpointOverview(one, self.standings.of(one), counters.get(one.subscription_id))
            for one in subscriptions
        ]
        # The worst are seen first, however many there are.
        endpoints.sort(key=lambda one: (-one.waits(at), -one.last_day("dead"), one.subscription.url))
        whole = "admin" in caller.scopes and not caller.stores
        own = {store, *(one.subscription_id for one in subscriptions)}
        aside = [one for one in self.aside() if whole or one.key in own]
        return PipelineOverview(at, self.flow.samples, endpoints, whole, aside)

    async def durations(self, endpoint: EndpointOverview) -> AttemptDurations | None:
        """Of the latest tries; None where there were none, or they are not known now."""
        of = endpoint.subscription
        try:
            page = await self.journal.search(DeliverySearch(of.store, of.subscription_id, size=MAX_DURATIONS))
        except Retryable:
            return None
        return durations([known.last.duration_ms for known in page.items if known.last])

    async def _counters(
        self, subscription_ids: Sequence[str], at: datetime
    ) -> Mapping[str, SubscriptionCounters]:
        try:
            return await self.journal.counters(subscription_ids, at)
        except Retryable:
            # Said on the page: all else is there.
            return {}

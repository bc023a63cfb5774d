"""The past in memory, as the API sees it: replays that were asked for, dead letters, deliveries."""

from collections import Counter
from datetime import datetime
from typing import NamedTuple

from api.services.replays import ReplayPorts
from streams.delivery.records import DeadLetter, Delivery, Subscription, redrive_delivery
from streams.delivery.replay_jobs import ReplayJobs, ReplayOrder, ReplayProgress
from streams.delivery.replay_selection import delivery_outcome
from streams.jobs.delivery_lookup import StoredDelivery
from streams.jobs.redrive import CandidateId, RedriveCandidate, RedriveCount
from streams.jobs.redrive_sources import DeadLetterFilter
from streams.topics import DELIVERIES
from tests.api.logs import LogInMemory
from tests.samples import NOON

PROCESS = "here"


class Recounted(NamedTuple):
    deliveries: int
    exact: bool = True
    offsets: int = 0


class OrdersInMemory:
    """Both topics of the replays, straight into the index; and a count that a test says."""

    def __init__(self) -> None:
        self.orders = ReplayJobs()
        self.progress = ProgressInMemory(self.orders)
        self.counts: Recounted | None = Recounted(0)

    @property
    def ports(self) -> ReplayPorts:
        return ReplayPorts(
            self.orders, LogInMemory(self.orders.order, self.orders.put), self.progress, self, PROCESS
        )

    async def of(self, order: ReplayOrder, subscription: Subscription) -> Recounted | None:
        assert order.subscription_id == subscription.subscription_id
        return self.counts

    def reset(self) -> None:
        for each in [*self.orders.open(), *self.orders.ended()]:
            self.orders.put(each.order.replay_id, None)
            self.orders.progressed(each.order.replay_id, None)
        self.counts = Recounted(0)


class ProgressInMemory:
    def __init__(self, orders: ReplayJobs) -> None:
        self._orders = orders

    async def write(self, key: str, value: ReplayProgress | None) -> None:
        self._orders.progressed(key, value)


class BoxInMemory:
    """Dead letters and deliveries, and what was sent again."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []
        self.deliveries: list[Delivery] = []
        self.delivered: set[str] = set()
        self.redriven_at: dict[int, datetime] = {}
        self.erased: set[str] = set()
        """Members, by id."""

    async def newest(
        self, subscription_id: str, wanted: DeadLetterFilter, most: int
    ) -> list[RedriveCandidate[DeadLetter]]:
        found = self._found(subscription_id, wanted)
        return sorted(found, key=lambda each: each.record.given_up_at, reverse=True)[:most]

    async def count(self, subscription_id: str, wanted: DeadLetterFilter) -> RedriveCount:
        found = self._found(subscription_id, wanted)
        obstacles = Counter(each.obstacle for each in found if each.obstacle)
        free = Counter({DELIVERIES.name: sum(not each.obstacle for each in found)})
        return RedriveCount(len(self.letters), len(found), free, obstacles)

    async def redrive(
        self, subscription_id: str, wanted: DeadLetterFilter, most: int
    ) -> tuple[RedriveCount, int]:
        count = await self.count(subscription_id, wanted)
        free = [each for each in self._found(subscription_id, wanted) if not each.obstacle][:most]
        for each in free:
            self.redriven_at[each.id.offset] = NOON
            self.deliveries.append(redrive_delivery(each.record))
        return count, len(free)

    async def kept(self, subscription: Subscription, delivery_id: str) -> StoredDelivery | None:
        made = [each for each in self.deliveries if each.delivery_id == delivery_id]
        if not made or made[-1].subscription_id != subscription.subscription_id:
            return None
        dead = sum(each.delivery.delivery_id == delivery_id for each in self.letters)
        of = delivery_outcome(len(made), int(delivery_id in self.delivered), dead)
        return StoredDelivery(made[-1], of, made[-1].member_id in self.erased, tried=3)

    async def again(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)

    def _found(self, subscription_id: str, wanted: DeadLetterFilter) -> list[RedriveCandidate[DeadLetter]]:
        every = [
            RedriveCandidate(CandidateId(0, offset), letter, self.redriven_at.get(offset), None)
            for offset, letter in enumerate(self.letters)
            if letter.delivery.subscription_id == subscription_id
        ]
        return [each for each in every if wanted.holds(each.id, each.record)]

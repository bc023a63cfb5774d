"""The sink: deliveries from the log to endpoints over HTTP, and what came of each attempt back to the log.

A delivery is taken into the `pending` table in one transaction and sent after it; its outcome is settled in a
later one. Killed between the two, it is sent again: at least once, with the same messageId.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from connectors.http.envelope import envelope, headers
from connectors.http.outcome import Sent, settle
from connectors.http.pending import Pending
from connectors.http.sender import Sender
from streams.codec import decode
from streams.delivery.records import Delivery
from streams.delivery.subscription import Subscriptions
from streams.domain.state import Drop, Entry
from streams.errors import Poison
from streams.kafka.topics import ATTEMPTS, DEAD_LETTERS
from streams.stages.turn import Record, Turn
from streams.tables.tables import Owned, Tables

# Claimed ahead of the requests under way, so that no endpoint idles while a transaction commits.
AHEAD = 20


@dataclass(slots=True)
class Endpoint:
    """One subscription as the owner of its partition serves it.

    `claimed` deliveries, by their due key, have a task; they stay claimed until their outcome is committed,
    or they would be taken for due again.
    """

    slots: asyncio.Semaphore
    claimed: dict[bytes, asyncio.Task[None]] = field(default_factory=dict)


@dataclass(slots=True)
class Served:
    """A partition's endpoints, their finished requests, and those settled by the turn under way."""

    endpoints: dict[bytes, Endpoint] = field(default_factory=dict)
    finished: deque[tuple[bytes, bytes, Sent]] = field(default_factory=deque)
    settled: list[tuple[bytes, bytes]] = field(default_factory=list)


class SinkStage:
    """`concurrency` requests at most are under way to one subscription. Time, ids, jitter: ports.

    `dotted_names`: the new format's `eventName` is the dotted one.
    """

    kinds: Sequence[type[Entry]] = (Pending,)

    def __init__(
        self,
        subscriptions: Subscriptions,
        sender: Sender,
        *,
        concurrency: int,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        jitter: Callable[[], float],
        dotted_names: bool = False,
    ) -> None:
        self._subscriptions = subscriptions
        self._sender = sender
        self._concurrency = concurrency
        self._now = now
        self._new_id = new_id
        self._jitter = jitter
        self._dotted_names = dotted_names
        self._served: defaultdict[int, Served] = defaultdict(Served)
        self._resting = False
        self._failure: Exception | None = None

    @property
    def patience(self) -> float:
        return 0.005 if self._claims() else 0.05

    def _claims(self) -> bool:
        return any(e.claimed for served in self._served.values() for e in served.endpoints.values())

    def assigned(self, partition: int, tables: Tables) -> None:
        for group in tables.due_groups():
            self._endpoint(partition, group)

    def revoked(self, partition: int) -> None:
        # What is under way may arrive, and is sent again by the next owner: at least once.
        for endpoint in self._served.pop(partition, Served()).endpoints.values():
            for task in endpoint.claimed.values():
                task.cancel()

    def rest(self) -> bool:
        """Starts no more requests; true once those under way are settled."""
        self._resting = True
        return not self._claims()

    def wants(self, partition: int, tables: Tables) -> bool:  # noqa: ARG002
        return bool(self._served[partition].finished)

    def between(self, partition: int, tables: Tables) -> None:
        """Forget what is settled; start requests for what is due, each endpoint within its own bounds."""
        if self._failure:
            raise self._failure
        served = self._served[partition]
        for group, due in served.settled:
            served.endpoints[group].claimed.pop(due, None)
        served.settled.clear()
        if not self._resting:
            for group, endpoint in served.endpoints.items():
                self._claim_due(served, group, endpoint, tables)

    def _claim_due(self, served: Served, group: bytes, endpoint: Endpoint, tables: Tables) -> None:
        room = self._concurrency * AHEAD - len(endpoint.claimed)
        if room <= 0:
            return
        for due in tables.due_keys(group, self._now()):
            if due in endpoint.claimed:
                continue
            pending = tables.due_entry(due, Pending)
            endpoint.claimed[due] = asyncio.create_task(self._serve(served, group, due, pending))
            room -= 1
            if room == 0:
                return

    async def _serve(self, served: Served, group: bytes, due: bytes, pending: Pending) -> None:
        endpoint = served.endpoints[group]
        async with endpoint.slots:
            if self._resting:
                # Never begun: it is due for whoever comes next.
                endpoint.claimed.pop(due, None)
                return
            try:
                served.finished.append((group, due, await self._send(pending)))
            except Exception as failure:  # noqa: BLE001 - a bug; the feed ends the process with it
                self._failure = failure

    async def _send(self, pending: Pending) -> Sent:
        delivery = pending.delivery
        request_id, started_at = self._new_id(), self._now()
        # The subscription as it is now: an address corrected since then is the one to use.
        subscription = self._subscriptions.get(delivery.subscription_id)
        if subscription is None:
            return Sent(pending, request_id, started_at, None)
        answer = await self._sender.send(
            subscription.url,
            headers(delivery, subscription),
            envelope(delivery, request_id, self._dotted_names),
        )
        return Sent(pending, request_id, started_at, answer)

    def _endpoint(self, partition: int, group: bytes) -> Endpoint:
        endpoints = self._served[partition].endpoints
        if group not in endpoints:
            endpoints[group] = Endpoint(asyncio.Semaphore(self._concurrency))
        return endpoints[group]

    def play(self, turn: Turn, records: Sequence[Record], budget: int) -> int:
        """Settle what has finished, then take new deliveries in."""
        served = self._served[turn.partition]
        while served.finished and budget > 0:
            group, due, sent = served.finished.popleft()
            self._settle(turn, sent)
            served.settled.append((group, due))
            budget -= 1
        taken = records[: max(1, budget)]
        for record in turn.each(taken):
            try:
                self._take(turn, record, decode(Delivery, record.value, record.schema))
            except Poison as cause:
                turn.poison(record, cause)
        return len(taken)

    def _take(self, turn: Turn, record: Record, delivery: Delivery) -> None:
        lane = turn.tables.of(delivery.subscription_id)
        first = _head(lane, delivery.member_id) is None
        lane.apply(Pending(delivery=delivery, offset=record.offset, due_at=turn.now if first else None))
        self._endpoint(turn.partition, delivery.subscription_id.encode())

    def _settle(self, turn: Turn, sent: Sent) -> None:
        pending, delivery = sent.pending, sent.pending.delivery
        settlement = settle(sent, turn.now, self._jitter())
        if settlement.attempt:
            turn.send(ATTEMPTS, delivery.subscription_id, settlement.attempt)
        if settlement.dead_letter:
            turn.send(DEAD_LETTERS, delivery.subscription_id, settlement.dead_letter)
        lane = turn.tables.of(delivery.subscription_id)
        if settlement.retry_at:
            lane.apply(replace(pending, attempts=pending.attempts + 1, due_at=settlement.retry_at))
            return
        lane.apply(Drop(entry=pending))
        behind = _head(lane, delivery.member_id)
        if behind:
            lane.apply(replace(behind, due_at=turn.now))


def _head(lane: Owned, member_id: str) -> Pending | None:
    """The first delivery of the member that is not done with."""
    return next(lane.scan(Pending, member_id.encode()), None)

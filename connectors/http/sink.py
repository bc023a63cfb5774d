"""The sink stage: sends deliveries to endpoints, and writes the result of each attempt.

One transaction takes a delivery into the table `pending`, and a later one settles its result. A sink that is
killed in between sends it again with the same messageId (at least once).
"""

import logging
from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from connectors.http.attempt import SinkPorts
from connectors.http.dispatch import Dispatch, FinishedDelivery
from connectors.http.endpoint import Endpoint
from connectors.http.endpoint_health import HEALTHY, Health, condition, status_record
from connectors.http.pending import Pending
from connectors.http.retry_policy import (
    INTERNAL_FAULT,
    SentAttempt,
    Settlement,
    Undeliverable,
    make_dead_letter,
    settle,
    settle_internal_fault,
)
from connectors.http.wakeup_queue import WakeupQueue
from streams.codec.avro import decode
from streams.delivery.records import Delivery, Subscription
from streams.domain.state import Drop, Entry
from streams.errors import Poison
from streams.stages.context import Record, StageContext
from streams.tables.owner_entries import OwnerState
from streams.tables.tables import Tables
from streams.topics import ATTEMPTS, DEAD_LETTERS, ENDPOINT_STATUS

LOG = logging.getLogger(__name__)
BUSY, IDLE = 0.005, 0.05
"""Most seconds for which the feed waits for records, with and without requests under way."""
MAX_DEAD_LETTERED_OF_LANE = 100


class SinkStage:
    """Serves the endpoints of all partitions that this process owns."""

    kinds: Sequence[type[Entry]] = (Pending, Health)

    def __init__(self, outside: SinkPorts) -> None:
        self._outside = outside
        self._partitions: dict[int, Dispatch] = {}
        outside.subscriptions.tell(self._note_subscription_change)

    def _note_subscription_change(
        self, subscription_id: str, before: Subscription | None, after: Subscription | None
    ) -> None:
        group = subscription_id.encode()
        for dispatch in self._partitions.values():
            if group in dispatch.endpoints:
                dispatch.note_subscription_change(group, before, after)

    @property
    def patience(self) -> float:
        if any(dispatch.under_way or dispatch.finished for dispatch in self._partitions.values()):
            return BUSY
        looks = [at for dispatch in self._partitions.values() if (at := dispatch.wakeup_queue.first())]
        if not looks:
            return IDLE
        return min(IDLE, max(0.0, (min(looks) - self._outside.now()).total_seconds()))

    def assigned(self, partition: int, tables: Tables) -> None:
        dispatch = self._partitions[partition] = Dispatch(tables, self._outside)
        for group in {*tables.due_groups(), *(owner.encode() for owner in tables.owners(Health))}:
            dispatch.wake(dispatch.endpoint(group), self._outside.now())

    def revoked(self, partition: int) -> None:
        dispatch = self._partitions.pop(partition, None)
        if dispatch:
            dispatch.cancel()

    def rest(self) -> bool:
        # A list, not a generator: every partition must be told to rest.
        left = [dispatch for dispatch in self._partitions.values() if not dispatch.rest()]
        return not left

    def endpoint(self, partition: int, subscription_id: str) -> Endpoint:
        """The endpoint's present state in memory."""
        return self._partitions[partition].endpoint(subscription_id.encode())

    def endpoints(self) -> list[Endpoint]:
        """Those in memory. May be called in any thread."""
        return [one for part in list(self._partitions.values()) for one in list(part.endpoints.values())]

    def wakeup_queue(self, partition: int) -> WakeupQueue:
        return self._partitions[partition].wakeup_queue

    def wants(self, partition: int, tables: Tables) -> bool:  # noqa: ARG002
        dispatch = self._partitions[partition]
        return dispatch.is_settling_due(self._outside.now())

    def between(self, partition: int, tables: Tables) -> None:  # noqa: ARG002
        self._partitions[partition].begin()

    def play(self, turn: StageContext, records: Sequence[Record], budget: int) -> int:
        """Settles finished deliveries, then takes in new ones. Returns how many records were taken."""
        dispatch = self._partitions[turn.partition]
        is_settling_due = dispatch.is_settling_due(turn.now)
        while is_settling_due and dispatch.finished and budget > 0:
            finished = dispatch.finished.popleft()
            self._settle(turn, dispatch, finished)
            dispatch.settled(finished)
            budget -= 1
        if is_settling_due:
            self._write_healths(turn, dispatch)
        taken = records[: max(1, budget)]
        for record in turn.each(taken):
            try:
                delivery = decode(Delivery, record.value, record.schema)
                record.check_key(delivery.subscription_id)
                self._take(turn, dispatch, record.offset, delivery)
            except Poison as cause:
                turn.poison(record, cause)
        return len(taken)

    def _take(self, turn: StageContext, dispatch: Dispatch, offset: int, delivery: Delivery) -> None:
        lane = turn.tables.of(delivery.subscription_id)
        subscription = self._outside.subscriptions.get(delivery.subscription_id)
        alone = (subscription is not None and subscription.unordered) or not _head(lane, delivery.member_id)
        pending = Pending(delivery=delivery, offset=offset, due_at=turn.now if alone else None)
        lane.apply(pending)
        if alone:
            endpoint = dispatch.endpoint(delivery.subscription_id.encode())
            dispatch.take(endpoint, lane.due_key(pending), delivery, turn.now)

    def _settle(self, turn: StageContext, dispatch: Dispatch, finished: FinishedDelivery) -> None:
        came, lane = finished.came, turn.tables.of(finished.endpoint.subscription_id)
        if isinstance(came, Undeliverable):
            self._make_dead_letters(turn, lane, came)
            return
        settlement = self._settlement(came, turn.now)
        self._outside.observe_attempt(came, settlement)
        if settlement.attempt:
            turn.send(ATTEMPTS, lane.owner, settlement.attempt)
        if settlement.dead_letter:
            turn.send(DEAD_LETTERS, lane.owner, settlement.dead_letter)
        if settlement.wait is None:
            _finish_delivery(lane, came.pending, turn.now)
            return
        retry_at = turn.now + settlement.wait
        lane.apply(_pending_again(came, retry_at, settlement.wait.total_seconds()))
        dispatch.wake(finished.endpoint, retry_at)

    def _settlement(self, sent: SentAttempt, now: datetime) -> Settlement:
        """The result's settlement. An error while an answer is read must not end the transaction."""
        try:
            return settle(sent, now, self._outside.jitter())
        except Exception as error:
            which = sent.pending.delivery.delivery_id
            LOG.exception("attempt %s of delivery %s: %s", sent.request_id, which, INTERNAL_FAULT)
            return settle_internal_fault(sent, error, now)

    def _make_dead_letters(self, turn: StageContext, lane: OwnerState, hopeless: Undeliverable) -> None:
        """Makes dead letters of the delivery and of some that wait behind it, or each would take a
        transaction of its own."""
        pending = hopeless.pending
        for _ in range(MAX_DEAD_LETTERED_OF_LANE):
            turn.send(DEAD_LETTERS, lane.owner, make_dead_letter(pending, hopeless.reason, turn.now))
            lane.apply(Drop(entry=pending))
            behind = _head(lane, pending.delivery.member_id)
            if behind is None or behind.due_at:
                return
            pending = behind
        lane.apply(replace(pending, due_at=hopeless.pending.due_at))

    def _write_healths(self, turn: StageContext, dispatch: Dispatch) -> None:
        for endpoint in dispatch.changed.values():
            self._write_health(turn, endpoint)
        dispatch.changed.clear()

    def _write_health(self, turn: StageContext, endpoint: Endpoint) -> None:
        """Stores the endpoint's health, and writes a status record if its condition has changed."""
        lane, policy = turn.tables.of(endpoint.subscription_id), self._outside.policy
        subscription = self._outside.subscriptions.get(endpoint.subscription_id)
        before, after = lane.get(Health) or HEALTHY, endpoint.health if subscription else HEALTHY
        if after != before:
            lane.apply(Drop(entry=before) if after == HEALTHY else after)
        if subscription is None:
            turn.send(ENDPOINT_STATUS, lane.owner, None)
        elif condition(before, policy) != condition(after, policy):
            turn.send(ENDPOINT_STATUS, lane.owner, status_record(subscription, after, policy, turn.now))


def _head(lane: OwnerState, member_id: str) -> Pending | None:
    """The first pending delivery of the member."""
    return next(lane.scan(Pending, member_id.encode()), None)


def _finish_delivery(lane: OwnerState, pending: Pending, now: datetime) -> None:
    """Removes the delivery, and makes the next of its lane due."""
    lane.apply(Drop(entry=pending))
    behind = _head(lane, pending.delivery.member_id)
    if behind and behind.due_at is None:
        lane.apply(replace(behind, due_at=now))


def _pending_again(sent: SentAttempt, due_at: datetime, wait: float) -> Pending:
    before = sent.pending
    return replace(before, attempts=before.attempts + 1, due_at=due_at, waited=before.waited + wait)

"""Starts the requests of one partition, and holds their results until they are committed.

An endpoint is checked when one of its deliveries is due, and never waits for another endpoint. Only the next
keys of a backlog are in memory. A delivery is read from disk when its request starts.
"""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from connectors.http.attempt import SinkPorts, make_attempt
from connectors.http.endpoint import Endpoint
from connectors.http.endpoint_health import (
    HEALTHY,
    Health,
    held_since,
    is_reactivated,
    record_failure,
    record_success,
)
from connectors.http.pending import Pending
from connectors.http.retry_policy import HELD_TOO_LONG, SUBSCRIPTION_DELETED, SentAttempt, Undeliverable
from connectors.http.wakeup_queue import WakeupQueue
from streams.delivery.records import Delivery, Subscription
from streams.tables.tables import Tables

LOG = logging.getLogger(__name__)
WAIT_FOR_SUBSCRIPTION = timedelta(seconds=30)
"""How long a delivery waits for an unknown subscription: its record may arrive later than the delivery."""
MAX_DEAD_LETTERED_AT_ONCE = 200
SETTLE_BATCH = 50
_ALWAYS = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FinishedDelivery:
    """The result of a claimed delivery."""

    endpoint: Endpoint
    due: bytes
    came: SentAttempt | Undeliverable
    at: datetime


@dataclass(slots=True)
class Dispatch:
    """`finished` results wait for the next transaction; `changed` endpoints have a new health to write."""

    tables: Tables
    outside: SinkPorts
    endpoints: dict[bytes, Endpoint] = field(default_factory=dict)
    finished: deque[FinishedDelivery] = field(default_factory=deque)
    changed: dict[bytes, Endpoint] = field(default_factory=dict)
    wakeup_queue: WakeupQueue = field(default_factory=WakeupQueue)
    under_way: int = 0
    _settled: list[FinishedDelivery] = field(default_factory=list)
    _settling: set[tuple[bytes, str]] = field(default_factory=set)
    _deleted: set[bytes] = field(default_factory=set)
    _resting: bool = False
    _failure: Exception | None = None

    def endpoint(self, group: bytes) -> Endpoint:
        found = self.endpoints.get(group)
        if found is None:
            health = self.tables.of(group.decode()).get(Health)
            found = self.endpoints[group] = Endpoint(group, health or HEALTHY)
        return found

    def wake(self, endpoint: Endpoint, at: datetime) -> None:
        """Checks the endpoint at `at` or earlier."""
        self.wakeup_queue.wake(endpoint.group, at)

    def note_subscription_change(
        self, group: bytes, before: Subscription | None, after: Subscription | None
    ) -> None:
        """Checks the endpoint at once after a change of its subscription."""
        endpoint = self.endpoints.get(group)
        if after is None:
            self._deleted.add(group)
            if endpoint:
                # Its status record is replaced by a tombstone.
                self.changed[group] = endpoint
        else:
            self._deleted.discard(group)
        if endpoint is None:
            return
        # A new address is a new endpoint. An owner who reactivates it has repaired it. Both reset the
        # breaker.
        anew = before and after and (before.url, before.state_since) != (after.url, after.state_since)
        if anew and not endpoint.health.disabled_at:
            self._set_health(endpoint, HEALTHY)
        endpoint.release()
        self.wake(endpoint, self.outside.now())

    def is_settling_due(self, now: datetime) -> bool:
        """Whether to settle finished deliveries now. Settling several in one transaction costs the broker
        less, and new deliveries wait for fewer commits."""
        if not self.finished or self.changed:
            return bool(self.changed)
        waited = now - self.finished[0].at >= self.outside.policy.settle_after
        return waited or self._resting or len(self.finished) >= SETTLE_BATCH

    def settled(self, finished: FinishedDelivery) -> None:
        """Marks the delivery as settled by the running transaction. It stays claimed until the commit."""
        self._settled.append(finished)
        self._settling.add((finished.endpoint.group, finished.came.pending.delivery.member_id))

    def take(self, endpoint: Endpoint, due: bytes, delivery: Delivery, now: datetime) -> None:
        """Takes the first delivery of a lane. An idle endpoint gets it at once, before the running
        transaction is committed: if that is aborted, the delivery is read from the log and sent again (at
        least once)."""
        subscription = self.outside.subscriptions.get(endpoint.subscription_id)
        # If its predecessor is settled by this transaction and the commit fails, the predecessor would be
        # sent after it.
        first = (endpoint.group, delivery.member_id) not in self._settling
        if subscription and first and endpoint.idle(subscription, self.outside.policy):
            endpoint.claimed.add(due)
            endpoint.ahead.append(due)
            self._start(endpoint)
        else:
            self.wake(endpoint, now)

    def begin(self) -> None:
        """Releases committed deliveries and starts due requests, each endpoint within its limits. Raises an
        error of the disk that ended a request."""
        if self._failure:
            raise self._failure
        now = self.outside.now()
        for finished in self._settled:
            finished.endpoint.claimed.discard(finished.due)
            self.wake(finished.endpoint, now)
        self._settled.clear()
        self._settling.clear()
        while not self._resting and (group := self.wakeup_queue.pop(now)):
            endpoint = self.endpoints.get(group)
            if endpoint:
                self._look(endpoint, now)

    def rest(self) -> bool:
        """Starts no more requests. Returns True once all requests under way are settled."""
        self._resting = True
        for endpoint in self.endpoints.values():
            endpoint.release()
        return not (self.under_way or self.finished or self._settled)

    def cancel(self) -> None:
        """Cancels the requests under way. They may have arrived, and the next owner sends them again (at
        least once)."""
        for endpoint in self.endpoints.values():
            for task in endpoint.under_way.values():
                task.cancel()

    def _look(self, endpoint: Endpoint, now: datetime) -> None:
        subscription = self.outside.subscriptions.get(endpoint.subscription_id)
        if subscription is None:
            self._give_up(endpoint, now)
            return
        if is_reactivated(subscription, endpoint.health):
            self._set_health(endpoint, HEALTHY)
        since = held_since(subscription, endpoint.health)
        if since:
            self._hold(endpoint, since, now)
        else:
            self._claim(endpoint, subscription, now)
            self._start(endpoint)

    def _give_up(self, endpoint: Endpoint, now: datetime) -> None:
        """Makes dead letters of the deliveries whose subscription is deleted, or unknown for too long."""
        endpoint.release()
        until = _ALWAYS if endpoint.group in self._deleted else now - WAIT_FOR_SUBSCRIPTION
        if self._give_up_due(endpoint, until, SUBSCRIPTION_DELETED):
            return
        later = self.tables.next_due(endpoint.group, until)
        if later:
            self.wake(endpoint, later + WAIT_FOR_SUBSCRIPTION)
        elif endpoint.health is not HEALTHY:
            # Its stored health is deleted too.
            self._set_health(endpoint, HEALTHY)
            self.wake(endpoint, now)
        elif not endpoint.claimed and endpoint.group not in self.changed:
            del self.endpoints[endpoint.group]
            self._deleted.discard(endpoint.group)

    def _hold(self, endpoint: Endpoint, since: datetime, now: datetime) -> None:
        endpoint.release()
        kept = self.outside.policy.hold_for
        if kept is None:
            return
        until = min(since, _ALWAYS - kept) + kept
        if now < until:
            self.wake(endpoint, until)
        elif not self._give_up_due(endpoint, now - kept, HELD_TOO_LONG):
            later = self.tables.next_due(endpoint.group, now - kept)
            if later:
                self.wake(endpoint, later + kept)

    def _give_up_due(self, endpoint: Endpoint, until: datetime, reason: str) -> bool:
        """Gives up deliveries that were due at `until` or earlier, a limited number at a time. Returns
        whether there were any."""
        due = (key for key in self.tables.due_keys(endpoint.group, until) if key not in endpoint.claimed)
        keys = list(islice(due, MAX_DEAD_LETTERED_AT_ONCE))
        for key in keys:
            endpoint.claimed.add(key)
            came = Undeliverable(self.tables.due_entry(key, Pending), reason)
            self.finished.append(FinishedDelivery(endpoint, key, came, self.outside.now()))
        return bool(keys)

    def _claim(self, endpoint: Endpoint, subscription: Subscription, now: datetime) -> None:
        room = endpoint.room(subscription, self.outside.policy)
        # The scan passes over all claimed keys, so it must be worth it.
        if room > len(endpoint.ahead):
            due = self.tables.due_keys(endpoint.group, now)
            fresh = list(islice((key for key in due if key not in endpoint.claimed), room))
            endpoint.claimed.update(fresh)
            endpoint.ahead.extend(fresh)
            if len(fresh) == room:
                return
        later = self.tables.next_due(endpoint.group, now)
        if later:
            self.wake(endpoint, later)

    def _start(self, endpoint: Endpoint) -> None:
        """Starts as many claimed deliveries as concurrency, breaker and rate allow."""
        outside = self.outside
        while endpoint.ahead and not self._resting:
            now = outside.now()
            subscription = outside.subscriptions.get(endpoint.subscription_id)
            if subscription is None or held_since(subscription, endpoint.health):
                self.wake(endpoint, now)
                return
            if endpoint.full(subscription, outside.policy):
                return
            wait = endpoint.wait(subscription, now)
            if wait:
                self.wake(endpoint, now + wait)
                return
            endpoint.tokens.take()
            due = endpoint.ahead.popleft()
            self.under_way += 1
            endpoint.under_way[due] = asyncio.create_task(self._serve(endpoint, due))

    async def _serve(self, endpoint: Endpoint, due: bytes) -> None:
        """Makes one attempt of a claimed delivery. Only an error of the disk ends the process."""
        try:
            pending = self.tables.due_entry(due, Pending)
        except Exception as failure:  # noqa: BLE001 - the feed ends the process with it
            self._failure = failure
            return
        sent = await make_attempt(self.outside, pending)
        self.under_way -= 1
        del endpoint.under_way[due]
        if sent is None:
            endpoint.claimed.discard(due)
            self.wake(endpoint, self.outside.now())
            return
        # Before anything else can fail: the result must be settled.
        self.finished.append(FinishedDelivery(endpoint, due, sent, self.outside.now()))
        self._learn(endpoint, sent)
        # Starts the next request now: the next transaction may be some time away.
        self._start(endpoint)

    def _learn(self, endpoint: Endpoint, sent: SentAttempt) -> None:
        try:
            self._judge(endpoint, sent)
        except Exception:
            LOG.exception("subscription %s: nothing was learnt of an answer", endpoint.subscription_id)

    def _judge(self, endpoint: Endpoint, sent: SentAttempt) -> None:
        """Updates the health before the commit: a dead endpoint must not use up the tries of a whole
        backlog."""
        if sent.delivered:
            self._set_health(endpoint, record_success(endpoint.health))
            return
        now, jitter = self.outside.now(), self.outside.jitter()
        self._set_health(
            endpoint, record_failure(endpoint.health, sent.failure(now), now, self.outside.policy, jitter)
        )

    def _set_health(self, endpoint: Endpoint, health: Health) -> None:
        if health is not endpoint.health:
            endpoint.health = health
            self.changed[endpoint.group] = endpoint

"""A consumer of the simulated cluster, as librdkafka's."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    OFFSET_INVALID,
    KafkaError,
    Message,
    TopicPartition,
)

from tests.simulated.calls import Calls
from tests.simulated.groups import Group
from tests.simulated.hosts import Thread, thread_of
from tests.simulated.log import Entry, Log
from tests.simulated.membership import Membership
from tests.simulated.questions import Questions

Place = tuple[str, int]
SHORTEST_WAIT = 0.2


@dataclass(frozen=True, slots=True)
class Metadata:
    """Who a consumer is in its group."""

    group: Group
    key: str
    id: str
    generation: int


class SimulatedConsumer(Questions):
    """`group` may be of nobody else: then it is only where committed offsets are asked for."""

    def __init__(self, calls: Calls, group: Group, config: dict[str, object]) -> None:
        super().__init__(calls, group, committed_only=config.get("isolation.level") == "read_committed")
        self._host = calls.host
        self._config = config
        self._tells_ends = bool(config.get("enable.partition.eof"))
        self._membership: Membership | None = None
        self._callbacks: dict[str, Callable[..., None] | None] = {}
        self._told_end: dict[Place, int] = {}
        self._paused: set[Place] = set()
        self._fetched: deque[Message] = deque()
        self._waiting: Thread | None = None
        self._turn = 0
        self._closed = False

    # The group

    def subscribe(
        self, topics: list[str], on_assign: Any = None, on_revoke: Any = None, on_lost: Any = None
    ) -> None:
        self._callbacks = {"assign": on_assign, "revoke": on_revoke, "lost": on_lost or on_revoke}
        self._membership = Membership(self._calls, self._group, self._config, self._wake)
        self._membership.begin(tuple(topics))

    def unsubscribe(self) -> None:
        if self._membership:
            self._membership.leave()
        self._positions.clear()

    def consumer_group_metadata(self) -> Metadata:
        member = self._membership
        if member is None:
            return Metadata(self._group, "", "", -1)
        return Metadata(self._group, member.key, member.id, member.generation)

    def _rebalance(self) -> None:
        member = self._membership
        while member and member.news:
            what, assignment = member.news.popleft()
            places = [TopicPartition(topic, number) for topic, number in assignment]
            self._host.hub.note(f"{self._host.name}: {self._group.name}: {what} {assignment}")
            callback = self._callbacks[what]
            if what == "assign":
                if callback:
                    callback(self, places)
                else:
                    self.assign(places)
                continue
            if callback and places:
                callback(self, places)
            self._positions.clear()
            member.given_up()

    # Where it reads

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.unassign()
        self.incremental_assign(partitions)

    def unassign(self) -> None:
        self._positions.clear()
        self._told_end.clear()
        self._paused.clear()

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        for each in partitions:
            place = (each.topic, each.partition)
            self._positions[place] = self._first(place, each.offset)
            self._told_end.pop(place, None)
            if self._positions[place] is None:
                self._look_up(place)

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        for each in partitions:
            self._positions.pop((each.topic, each.partition), None)

    def seek(self, partition: TopicPartition) -> None:
        self.incremental_assign([partition])

    def pause(self, partitions: list[TopicPartition]) -> None:
        self._paused.update((each.topic, each.partition) for each in partitions)

    def resume(self, partitions: list[TopicPartition]) -> None:
        self._paused.difference_update((each.topic, each.partition) for each in partitions)

    def _first(self, place: Place, offset: int) -> int | None:
        log = self._brokers.logs.get(place)
        if offset == OFFSET_BEGINNING:
            return log.start if log else 0
        if offset == OFFSET_END:
            return self._end(log) if log else 0
        return None if offset == OFFSET_INVALID else offset

    def _look_up(self, place: Place) -> None:
        """In the background: where the group stands, once no open transaction can move that."""
        asked = self._positions

        def look() -> None:
            if self._positions is not asked or self._positions.get(place, 0) is not None:
                return
            name = self._group.name
            busy = self._brokers.coordinator(name).away or self._brokers.loading(name)
            if busy or (self._committed_only and self._group.unstable(place)):
                self._host.after(0.1, look)
                return
            found = self._group.offsets.get(place)
            self._positions[place] = self._brokers.logs[place].start if found is None else found
            self._wake()

        self._host.after(self._calls.latency(), look)

    # Reading

    def poll(self, timeout: float = -1) -> Message | None:
        return next(iter(self._take(1, timeout)), None)

    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[Message]:
        return self._take(num_messages, timeout)

    def _take(self, most: int, timeout: float) -> list[Message]:
        self._host.check()
        if self._closed:
            raise RuntimeError("Consumer closed")
        deadline = self._calls.now + _stretched(timeout)
        found: list[Message] = []
        while len(found) < most:
            self._rebalance()
            event = self._event() if not found else None
            # A message without a value is false.
            got = self._fetch(most - len(found)) if event is None else [event]
            found += got
            if not got:
                if self._calls.now >= deadline:
                    break
                self._wait(deadline)
        return found

    def _event(self) -> Message | None:
        member = self._membership
        if member and member.failure:
            failed, member.failure, member.over = member.failure, None, True
            return Message(error=failed)
        if self._positions and self._turn % 8 == 0:
            injected = self._calls.faults.error(self._host, "poll")
            if injected:
                self._turn += 1
                return Message(topic=next(iter(self._positions))[0], partition=0, error=injected.args[0])
        return None

    def _fetch(self, most: int) -> list[Message]:
        """What is there: of one partition after the other, so that none waits for ever."""
        self._turn += 1
        places = [p for p, at in self._positions.items() if at is not None and p not in self._paused]
        for index in range(len(places)):
            place = places[(self._turn + index) % len(places)]
            found = self._of(place, most)
            if found:
                return found
        return []

    def _of(self, place: Place, most: int) -> list[Message]:
        log, position = self._brokers.logs.get(place), self._positions[place]
        if log is None or position is None or not self._brokers.there(log.leader):
            return []
        if not log.start <= position <= log.end:
            return self._out_of_range(place, log)
        entries, self._positions[place] = log.read(position, most, committed=self._committed_only)
        if entries:
            return [_message(place, entry) for entry in entries]
        return self._at_the_end(place, log)

    def _out_of_range(self, place: Place, log: Log) -> list[Message]:
        if self._config.get("auto.offset.reset") == "error":
            self._positions.pop(place)
            return [_error(place, KafkaError._AUTO_OFFSET_RESET)]
        self._positions[place] = log.start
        return []

    def _at_the_end(self, place: Place, log: Log) -> list[Message]:
        position = self._positions[place]
        if not self._tells_ends or position is None or self._told_end.get(place) == position:
            return []
        if position < self._end(log):
            return []
        self._told_end[place] = position
        return [_error(place, KafkaError._PARTITION_EOF, position)]

    def _wait(self, deadline: float) -> None:
        thread = self._waiting = thread_of(self._host)
        for place in self._positions:
            log = self._brokers.logs.get(place)
            if log:
                log.waiting[self] = self._wake_soon
        self._host.park(deadline)
        if self._waiting is thread:
            self._waiting = None

    def _wake_soon(self) -> None:
        self._host.after(self._calls.rng.uniform(0.0003, 0.003), self._wake)

    def _wake(self) -> None:
        if self._waiting:
            self._waiting.wake()

    def close(self) -> None:
        self._host.check()
        if self._closed:
            raise RuntimeError("Consumer already closed")
        self._closed = True
        if self._membership:
            self._membership.leave()
        self._positions.clear()


def _stretched(timeout: float) -> float:
    """A machine may be busy: short waits take longer, and a run fewer steps."""
    if timeout < 0:
        return 3600.0
    return max(timeout, SHORTEST_WAIT) if timeout else 0.0


def _message(place: Place, entry: Entry) -> Message:
    return Message(
        topic=place[0],
        partition=place[1],
        offset=entry.offset,
        key=entry.key,
        value=entry.value,
        headers=list(entry.headers) or None,
        timestamp=(1, int(entry.at * 1000)),
    )


def _error(place: Place, code: int, offset: int = OFFSET_INVALID) -> Message:
    return Message(topic=place[0], partition=place[1], offset=offset, error=KafkaError(code))

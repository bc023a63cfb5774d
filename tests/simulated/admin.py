"""An admin client of the simulated cluster, as librdkafka's: a broker that is away may be left out of an
answer without a word, and its partitions then have the offset -1001."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any

from confluent_kafka import (
    OFFSET_INVALID,
    ConsumerGroupState,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Node,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    ConfigEntry,
    ConsumerGroupDescription,
    ListOffsetsResultInfo,
    MemberAssignment,
    MemberDescription,
    OffsetSpec,
    TopicDescription,
)
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.cimpl import NewTopic

from tests.simulated.brokers import Broker
from tests.simulated.calls import Calls
from tests.simulated.errors import plain
from tests.simulated.groups import Group
from tests.simulated.locks import Answer
from tests.simulated.log import Log
from tests.simulated.metadata import described

WITHIN = 60.0
TOPIC_ALREADY_EXISTS, UNKNOWN_TOPIC_OR_PART, UNSUPPORTED, NON_EMPTY_GROUP = 36, 3, 35, 68
Futures = Mapping[str, "Future[Any]"]


class SimulatedAdmin:
    """`groups` gives the group of a name."""

    def __init__(self, calls: Calls, groups: Callable[[str], Group]) -> None:
        self._calls = calls
        self._brokers = calls.brokers
        self._groups = groups

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> Any:
        return described(self._calls, topic, timeout)

    def create_topics(self, new_topics: list[NewTopic], *, operation_timeout: float = WITHIN) -> Futures:
        return {new.topic: self._later(partial(self._create, new), operation_timeout) for new in new_topics}

    def _create(self, new: NewTopic) -> None:
        if new.topic in self._brokers.topics:
            raise plain(TOPIC_ALREADY_EXISTS)
        self._brokers.create(new.topic, new.num_partitions, new.config or {})

    def delete_topics(self, topics: list[str], *, operation_timeout: float = WITHIN) -> Futures:
        return {name: self._later(partial(self._delete, name), operation_timeout) for name in topics}

    def _delete(self, name: str) -> None:
        if name not in self._brokers.topics:
            raise plain(UNKNOWN_TOPIC_OR_PART)
        self._brokers.delete(name)

    def describe_configs(
        self, resources: list[ConfigResource], *, request_timeout: float = WITHIN
    ) -> Mapping[ConfigResource, "Future[Any]"]:
        return {each: self._later(partial(self._config, each), request_timeout) for each in resources}

    def _config(self, resource: ConfigResource) -> dict[str, ConfigEntry]:
        found = self._brokers.configs.get(resource.name)
        if found is None:
            raise plain(UNKNOWN_TOPIC_OR_PART)
        return {name: ConfigEntry(name, value) for name, value in found.items()}

    def describe_topics(self, topics: TopicCollection, *, request_timeout: float = WITHIN) -> Futures:
        return {name: self._later(partial(self._topic, name), request_timeout) for name in topics.topic_names}

    def _topic(self, name: str) -> TopicDescription:
        logs = self._brokers.topics.get(name)
        if logs is None:
            raise plain(UNKNOWN_TOPIC_OR_PART)
        return TopicDescription(name, self._brokers.ids[name], False, [])

    def incremental_alter_configs(
        self, resources: list[ConfigResource], *, request_timeout: float = WITHIN
    ) -> Mapping[ConfigResource, "Future[Any]"]:
        return {each: self._later(_unsupported, request_timeout) for each in resources}

    def list_offsets(
        self,
        topic_partition_offsets: Any,
        *,
        isolation_level: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
        request_timeout: float = WITHIN,
    ) -> Mapping[TopicPartition, "Future[Any]"]:
        committed = isolation_level == IsolationLevel.READ_COMMITTED
        # Whoever asks may have taken the places from a set, whose order is another in each process.
        return {
            place: self._offset(place, topic_partition_offsets[place], committed, request_timeout)
            for place in sorted(topic_partition_offsets, key=lambda place: (place.topic, place.partition))
        }

    def _offset(self, place: TopicPartition, spec: Any, committed: bool, timeout: float) -> Answer:
        def at() -> Broker | None:
            log = self._log(place)
            return None if log.leader is None else self._brokers.all[log.leader]

        def work() -> ListOffsetsResultInfo:
            faults = self._calls.faults
            try:
                log = self._log(place)
                found = self._calls.ask("list_offsets", at, lambda: _at(log, spec, committed), timeout)
            except KafkaException as error:
                silent = error.args[0].code() in {KafkaError._TIMED_OUT, KafkaError._TRANSPORT}
                if silent and self._calls.rng.random() < 0.5:
                    found = OFFSET_INVALID
                else:
                    raise
            if faults.comes(faults.rates.unknown):
                self._calls.host.hub.note(f"{self._calls.host.name}: {place.topic} has no offset")
                found = OFFSET_INVALID
            return ListOffsetsResultInfo(found, -1, 0)

        return self._spawn(work)

    def _log(self, place: TopicPartition) -> Log:
        found = self._brokers.logs.get((place.topic, place.partition))
        if found is None:
            raise plain(UNKNOWN_TOPIC_OR_PART)
        return found

    def describe_consumer_groups(self, group_ids: list[str], *, request_timeout: float = WITHIN) -> Futures:
        return {
            name: self._later(partial(_described, self._groups(name)), request_timeout, name)
            for name in group_ids
        }

    def list_consumer_group_offsets(
        self, list_consumer_group_offsets_request: Any, *, request_timeout: float = WITHIN
    ) -> Futures:
        def found(asked: ConsumerGroupTopicPartitions) -> ConsumerGroupTopicPartitions:
            offsets = self._groups(asked.group_id).offsets
            places: Iterable[tuple[str, int]] = offsets
            if asked.topic_partitions is not None:
                places = [(each.topic, each.partition) for each in asked.topic_partitions]
            there = [TopicPartition(*place, offsets.get(place, OFFSET_INVALID)) for place in places]
            return ConsumerGroupTopicPartitions(asked.group_id, there)

        return {
            each.group_id: self._later(partial(found, each), request_timeout, each.group_id)
            for each in list_consumer_group_offsets_request
        }

    def delete_consumer_groups(self, group_ids: list[str], *, request_timeout: float = WITHIN) -> Futures:
        def delete(group: Group) -> None:
            if group.members:
                raise plain(NON_EMPTY_GROUP)
            group.offsets.clear()

        return {
            name: self._later(partial(delete, self._groups(name)), request_timeout, name)
            for name in group_ids
        }

    def _later(self, effect: Callable[[], Any], timeout: float, group: str = "") -> Answer:
        def at() -> Broker | None:
            if group:
                return self._brokers.coordinator(group)
            return next((broker for broker in self._brokers.all if not broker.away), None)

        return self._spawn(lambda: self._calls.ask("list_topics", at, effect, timeout))

    def _spawn(self, work: Callable[[], Any]) -> Answer:
        answer = Answer(self._calls.host)

        def serve() -> None:
            try:
                answer.set_result(work())
            except KafkaException as error:
                answer.set_exception(error)

        self._calls.host.spawn(serve, "admin")
        return answer


def _unsupported() -> None:
    raise plain(UNSUPPORTED)


def _at(log: Log, spec: Any, committed: bool) -> int:
    if spec is OffsetSpec.earliest():  # type: ignore[no-untyped-call]
        return log.start
    if spec is OffsetSpec.latest():  # type: ignore[no-untyped-call]
        return log.stable if committed else log.end
    later = (entry.offset for entry in log.entries if entry.at * 1000 >= spec._value)
    return next(later, -1)


def _described(group: Group) -> ConsumerGroupDescription:
    state = ConsumerGroupState.PREPARING_REBALANCING if group.preparing else ConsumerGroupState.STABLE
    if not group.members:
        state = ConsumerGroupState.EMPTY
    members = [
        MemberDescription(
            member.id,
            "loyalty",
            "/127.0.0.1",
            MemberAssignment([TopicPartition(*place) for place in member.assignment]),
            member.key if member.key != member.id else None,
        )
        for member in group.members.values()
    ]
    return ConsumerGroupDescription(group.name, False, members, "range", state, Node(0, "127.0.0.1", 9092))

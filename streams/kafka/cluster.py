"""The one door to the Kafka client: the calls that this project uses, and no more.

`Librdkafka` is the real cluster. The tests have a second one, in memory, that a seed drives. Every call
raises `confluent_kafka.KafkaException` as librdkafka does, and may answer all that librdkafka may.

Code that waits for a cluster takes its clock, threads and locks from it too, so that a seed drives them as
well.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, NoReturn, Protocol, cast

import confluent_kafka
import confluent_kafka.admin
from confluent_kafka import IsolationLevel, KafkaError, Message, TopicCollection, TopicPartition
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.cimpl import NewTopic

Config = dict[str, Any]
"""librdkafka's properties."""
OnDelivery = Callable[[KafkaError | None, Message], None]


class Consumer(Protocol):
    """Times are in seconds."""

    def subscribe(
        self,
        topics: list[str],
        on_assign: "OnRebalance | None" = None,
        on_revoke: "OnRebalance | None" = None,
        on_lost: "OnRebalance | None" = None,
    ) -> None: ...
    def unsubscribe(self) -> None: ...
    def assign(self, partitions: list[TopicPartition]) -> None: ...
    def unassign(self) -> None: ...
    def incremental_assign(self, partitions: list[TopicPartition]) -> None: ...
    def incremental_unassign(self, partitions: list[TopicPartition]) -> None: ...
    def pause(self, partitions: list[TopicPartition]) -> None: ...
    def resume(self, partitions: list[TopicPartition]) -> None: ...
    def seek(self, partition: TopicPartition) -> None: ...
    def poll(self, timeout: float = -1) -> Message | None: ...
    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[Message]: ...
    def committed(self, partitions: list[TopicPartition], timeout: float = -1) -> list[TopicPartition]: ...
    def get_watermark_offsets(
        self, partition: TopicPartition, timeout: float = -1, cached: bool = False
    ) -> tuple[int, int]: ...
    def offsets_for_times(
        self, partitions: list[TopicPartition], timeout: float = -1
    ) -> list[TopicPartition]: ...
    def list_topics(self, topic: str | None = None, timeout: float = -1) -> Any: ...
    def consumer_group_metadata(self) -> Any: ...
    def close(self) -> None: ...


OnRebalance = Callable[[Any, list[TopicPartition]], None]
"""Called within `poll`, with the consumer and the partitions."""


class Producer(Protocol):
    """Times are in seconds."""

    def produce(  # noqa: PLR0917 - as librdkafka has it
        self,
        topic: str,
        value: str | bytes | None = None,
        key: str | bytes | None = None,
        partition: int = -1,
        callback: None = None,
        on_delivery: OnDelivery | None = None,
        timestamp: int = 0,
        headers: Any = None,
    ) -> None: ...
    def poll(self, timeout: float = -1) -> int: ...
    def flush(self, timeout: float = -1) -> int: ...
    def init_transactions(self, timeout: float = -1) -> None: ...
    def begin_transaction(self) -> None: ...
    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], group_metadata: Any, timeout: float = -1
    ) -> None: ...
    def commit_transaction(self, timeout: float = -1) -> None: ...
    def abort_transaction(self, timeout: float = -1) -> None: ...


class Admin(Protocol):
    """Futures raise KafkaException. Times are in seconds."""

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> Any: ...
    def create_topics(
        self, new_topics: list[NewTopic], *, operation_timeout: float = ...
    ) -> Mapping[str, "Future[Any]"]: ...
    def delete_topics(
        self, topics: list[str], *, operation_timeout: float = ...
    ) -> Mapping[str, "Future[Any]"]: ...
    def describe_topics(
        self, topics: TopicCollection, *, request_timeout: float = ...
    ) -> Mapping[str, "Future[Any]"]: ...
    def describe_configs(
        self, resources: list[ConfigResource], *, request_timeout: float = ...
    ) -> Mapping[ConfigResource, "Future[Any]"]: ...
    def incremental_alter_configs(
        self, resources: list[ConfigResource], *, request_timeout: float = ...
    ) -> Mapping[ConfigResource, "Future[Any]"]: ...
    def list_offsets(
        self,
        topic_partition_offsets: Any,
        *,
        isolation_level: IsolationLevel = ...,
        request_timeout: float = ...,
    ) -> Mapping[TopicPartition, "Future[Any]"]: ...
    def delete_consumer_groups(
        self, group_ids: list[str], *, request_timeout: float = ...
    ) -> Mapping[str, "Future[Any]"]: ...


class Cluster(Protocol):
    """Makes clients, and keeps the time, the threads and the locks of those who wait for them."""

    def consumer(self, config: Config) -> Consumer: ...
    def producer(self, config: Config) -> Producer: ...
    def admin(self, config: Config) -> Admin: ...
    def now(self) -> float:
        """Seconds that only grow, from no particular moment."""

    def sleep(self, seconds: float) -> None: ...
    def utc(self) -> datetime:
        """The wall clock's time."""

    def executor(self, name: str) -> Executor:
        """One thread of that name."""

    def lock(self) -> AbstractContextManager[object]:
        """Not to be taken twice by the same thread."""

    def end_process(self) -> NoReturn:
        """At once: nothing is flushed or closed. Exit code 1."""


class Librdkafka:
    """The cluster that `bootstrap.servers` names, and the machine's own clock."""

    def consumer(self, config: Config) -> Consumer:
        return confluent_kafka.Consumer(config)

    def producer(self, config: Config) -> Producer:
        return confluent_kafka.Producer(config)

    def admin(self, config: Config) -> Admin:
        return cast(Admin, confluent_kafka.admin.AdminClient(config))

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def utc(self) -> datetime:
        return datetime.now(UTC)

    def executor(self, name: str) -> Executor:
        return ThreadPoolExecutor(1, thread_name_prefix=name)

    def lock(self) -> AbstractContextManager[object]:
        return threading.Lock()

    def end_process(self) -> NoReturn:
        os._exit(1)


REAL_CLUSTER = Librdkafka()
"""Where nothing else is given."""

"""The settings of every Kafka client of this project: addresses, safety and tuning in one place.

`Connection.open_producer`, `.open_consumer` and `.open_admin` make clients, of the configurations that
`.producer`, `.consumer` and `.admin` give. An operator's file of properties may change the tuning, but no
setting that a guarantee depends on.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from streams.errors import Misconfigured
from streams.kafka.cluster import Admin, Cluster, Config, Consumer, Librdkafka, Producer
from streams.settings import Settings, variable_name
from streams.state_version import FIRST_VERSION
from streams.topics import MAX_BATCH_BYTES, Topic

LOG = logging.getLogger("kafka")

_COMMON = {
    "client.id": "loyalty",
    # A request to a frozen broker fails after this (60 s by default). The cluster gives that broker's
    # partitions to others after 9 s.
    "socket.timeout.ms": 6_000,
    "api.version.request.timeout.ms": 5_000,
    "socket.connection.setup.timeout.ms": 5_000,
    # 10 s by default: a broker that is back is noticed within a second.
    "reconnect.backoff.max.ms": 1_000,
}
_PRODUCER = {"linger.ms": 2, "compression.type": "lz4", "delivery.timeout.ms": 30_000}
# Java's partitioner: a record of the same key goes to the same partition, whoever writes it.
_SAFE_PRODUCER = {
    "acks": "all",
    "enable.idempotence": True,
    "partitioner": "murmur2_random",
    "message.max.bytes": MAX_BATCH_BYTES,
}
_CONSUMER = {
    "auto.offset.reset": "earliest",
    # What one fetch may bring, and (zstd) what a batch may unpack to; 50 and 100 MB unless told otherwise.
    "fetch.max.bytes": 2 * MAX_BATCH_BYTES,
    "receive.message.max.bytes": 4 * MAX_BATCH_BYTES,
    # How long a partition is not fetched once `queued.min.messages` of it wait here; 1,000 ms by default. A
    # reader that keeps little in its queue has emptied it long before and sleeps (librdkafka #2879, #4284).
    "fetch.queue.backoff.ms": 5,
}
# How a reader hears that it has come to a partition's end: from an empty fetch, which the broker holds for so
# long, 500 ms by default. Records do not wait for it.
READ_TO_END: Config = {"enable.partition.eof": True, "fetch.wait.max.ms": 20}
"""Properties of a consumer that somebody waits for until it has read to the end."""
FOLLOW_TO_END: Config = {"enable.partition.eof": True, "fetch.wait.max.ms": 100}
"""Properties of one that follows for as long as the process lives: idle, it takes a third of the CPU time."""
_SAFE_CONSUMER = {"isolation.level": "read_committed", "enable.auto.commit": False}


@dataclass(frozen=True, slots=True)
class Connection:
    """The cluster, the prefix of our names in it, the operator's properties (which may be secrets), and which
    generation of the state is meant."""

    bootstrap_servers: str
    prefix: str = ""
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)
    generation: int = FIRST_VERSION
    home: Path | None = None
    """Where this machine keeps what it must know again after a restart; None: nowhere."""
    cluster: Cluster = field(default_factory=Librdkafka, repr=False, compare=False)

    def open_producer(self, **more: object) -> Producer:
        """A producer with the properties that `producer` gives."""
        return self.cluster.producer(self.producer(**more))

    def open_consumer(self, **more: object) -> Consumer:
        """A consumer with the properties that `consumer` gives."""
        return self.cluster.consumer(self.consumer(**more))

    def open_admin(self) -> Admin:
        return self.cluster.admin(self.admin())

    def producer(self, **more: object) -> Config:
        """Acknowledged by all replicas, written once, partitioned as Java does; `more` wins over all."""
        return self._config(_PRODUCER, _SAFE_PRODUCER, more)

    def consumer(self, **more: object) -> Config:
        """Reads what is committed, from the earliest, and commits nothing by itself; `more` wins over all."""
        return self._config(_CONSUMER, _SAFE_CONSUMER, more)

    def admin(self) -> Config:
        return self._config({}, {}, {})

    def topic(self, topic: Topic) -> str:
        """The topic's name in the cluster."""
        # The first generation's names are those from before there were any.
        bears = topic.renewed and self.generation != FIRST_VERSION
        return f"{self.prefix}{topic.name}{f'-g{self.generation}' if bears else ''}"

    def _config(self, tuning: Config, safety: Config, more: Config) -> Config:
        # librdkafka's own lines go the way of all others, instead of straight to the terminal.
        address = {"bootstrap.servers": self.bootstrap_servers, "logger": LOG}
        return {**_COMMON, **tuning, **self.extra, **safety, **address, **more}


def connection(settings: Settings, bootstrap_servers: str) -> Connection:
    """Raises Misconfigured naming the properties file and the line at fault."""
    extra = read_properties(settings.kafka_config) if settings.kafka_config else {}
    return Connection(bootstrap_servers, settings.topic_prefix, extra, home=settings.home)


def read_properties(file: Path) -> dict[str, str]:
    """The librdkafka properties in `file`: `key=value` lines, `#` begins a comment line.

    Raises Misconfigured where it cannot be read or librdkafka knows no such property or value.
    """
    lines = _lines(file)
    found: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            # The line is not shown: it may be half a password.
            raise Misconfigured(f"{file}, line {number}: must be key=value, or begin with #")
        found[name.strip()] = number, value.strip()
    values = {name: value for name, (_, value) in found.items()}
    _refuse_unknown(file, {name: number for name, (number, _) in found.items()}, values)
    return values


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise Misconfigured(
            f"{variable_name('kafka_config')}={str(file)!r} cannot be read: {reason}"
        ) from None


def _refuse_unknown(file: Path, numbers: dict[str, int], values: dict[str, str]) -> None:
    """librdkafka checks names, values and combinations when a client is made; this one connects nowhere."""
    try:
        AdminClient({**values, "log_level": 0})
    except KafkaException as error:
        message = error.args[0].str()
        at = next((number for name, number in numbers.items() if f'"{name}"' in message), None)
        place = f"{file}, line {at}" if at else str(file)
        raise Misconfigured(f"{place}: {message}") from None

"""The demo's producer: real purchases, and among them records that must be refused."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from decimal import Decimal

from confluent_kafka import Message
from msgspec.structs import replace

from streams.codec import avro
from streams.domain.commands import AdvanceClock, Command, RegisterTransaction, SpendUnits
from streams.domain.ids import derived_id
from streams.domain.values import Value
from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.stages.commands import owner_of
from streams.topics import COMMANDS, Topic

FLUSHED_WITHIN = 30.0
DemoRecord = Command | AdvanceClock | bytes
"""Bytes are a record that no schema reads."""
OnSent = Callable[[Topic, int, int], None]
"""Called with topic, partition and offset of each record that all replicas have."""
_BAD_AFTER = 100
"""Purchases after which the bad records come."""


def with_bad_records(history: Iterable[Command | AdvanceClock]) -> Iterator[DemoRecord]:
    """The history, with bad records after the hundredth purchase, or after the last one if there are
    fewer."""
    seen = 0
    bought: RegisterTransaction | None = None
    for command in history:
        if isinstance(command, AdvanceClock) and bought and seen < _BAD_AFTER:
            yield from bad_records(bought)
        yield command
        if isinstance(command, RegisterTransaction):
            bought, seen = command, seen + 1
            if seen == _BAD_AFTER:
                yield from bad_records(bought)


def bad_records(bought: RegisterTransaction) -> Iterator[DemoRecord]:
    """Records that change nothing, each for another reason."""

    def new_id(what: str) -> str:
        return derived_id(bought.store, "bad", what)

    yield b"\xffnot Avro"
    yield replace(bought, command_id=new_id("stranger"), member_id=derived_id(bought.store, "nobody"))
    yield SpendUnits(
        command_id=new_id("spend"),
        store=bought.store,
        member_id=bought.member_id,
        issued_at=bought.issued_at + timedelta(microseconds=1),
        units=Decimal(1_000_000),
    )
    yield replace(bought, command_id=new_id("again"))
    # The same command again: its id is remembered, so nothing happens.
    yield bought


class DemoProducer:
    """Appends records with the key and partition that every producer must use."""

    def __init__(self, connection: Connection, partitions: int, sent: OnSent) -> None:
        self._connection = connection
        self._producer = connection.open_producer()
        self._partitions = partitions
        self._sent = sent
        self._failed: list[str] = []

    def put(self, topic: Topic, key: str, value: Value, partition: int = -1) -> None:
        data, header = avro.encode(value)
        self._append(topic, key, data, header, partition)

    def play(self, record: DemoRecord) -> int:
        """Appends a record, and returns how many it made: an AdvanceClock goes to every partition."""
        match record:
            case bytes():
                self._append(COMMANDS, "", record, "RegisterTransaction.v1", 0)
            case AdvanceClock():
                for partition in range(self._partitions):
                    self.put(COMMANDS, "clock", record, partition)
                return self._partitions
            case _:
                self.put(COMMANDS, owner_of(record.store, record.member_id), record)
        return 1

    def flush(self) -> None:
        """Waits until everything is written. Raises Retryable."""
        left = self._producer.flush(FLUSHED_WITHIN)
        if left or self._failed:
            reason = self._failed[0] if self._failed else f"no answer in {FLUSHED_WITHIN:g} s"
            raise Retryable(f"{left + len(self._failed)} records could not be written: {reason}")

    def _append(self, topic: Topic, key: str, data: bytes, header: str, partition: int) -> None:
        name = self._connection.topic(topic)
        headers: dict[str, str | bytes | None] = {avro.HEADER: header.encode()}
        while True:
            try:
                self._producer.produce(
                    name,
                    data,
                    key.encode(),
                    partition,
                    on_delivery=lambda error, message: self._report(topic, error, message),
                    headers=headers,
                )
            except BufferError:
                self._producer.poll(0.1)
            else:
                self._producer.poll(0)
                return

    def _report(self, topic: Topic, error: object, message: Message) -> None:
        if error is not None:
            self._failed.append(str(error))
        else:
            self._sent(topic, message.partition() or 0, message.offset() or 0)

"""A careful loop by hand, which does the bare stage's work: what exactly-once costs without a runtime.

Avro in, one small entry read, changed and written, Avro out; outputs, changelog and offsets in one
transaction. It restores nothing, has no timers, and knows no partition that comes or goes.
"""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import fastavro
import msgspec
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from rocksdict import Options, Rdict, WriteBatch

from streams.codec.avro import HEADER, released_schemas
from streams.kafka.clients import Connection
from streams.topics import CHANGELOGS, COMMANDS, EVENTS
from tests.bench.floor import ANSWERS_WITHIN, some
from tests.bench.stages import Tally


def play(connection: Connection, folder: Path, batch: int, played: Callable[[int], bool]) -> None:
    """Until `played` says that it is enough."""
    name = f"{connection.prefix}hand-written"
    consumer = Consumer(connection.consumer(**{"group.id": name}))
    producer = Producer(connection.producer(**{"transactional.id": name, "linger.ms": 50}))
    producer.init_transactions(ANSWERS_WITHIN)
    consumer.subscribe([connection.topic(COMMANDS)])
    folder.parent.mkdir(parents=True, exist_ok=True)
    store = Rdict(str(folder), options=Options(raw_mode=True))
    try:
        while True:
            messages = some(consumer, batch)
            if messages:
                _transaction(connection, consumer, producer, store, messages)
            if played(len(messages)):
                return
    finally:
        consumer.close()
        store.close()


def _transaction(
    connection: Connection, consumer: Consumer, producer: Producer, store: Rdict, messages: list[Message]
) -> None:
    events, changelog = connection.topic(EVENTS), connection.topic(CHANGELOGS[Tally.table])
    changed: dict[bytes, tuple[int, bytes]] = {}
    ends: dict[int, int] = {}
    producer.begin_transaction()
    for message in messages:
        key, partition = message.key() or b"", message.partition() or 0
        ends[partition] = (message.offset() or 0) + 1
        data, header = _again(message)
        before = changed[key][1] if key in changed else store.get(key)
        tally = msgspec.msgpack.decode(before, type=Tally) if before else Tally()
        changed[key] = partition, msgspec.msgpack.encode(Tally(commands=tally.commands + 1))
        producer.produce(events, data, key, partition, headers=[(HEADER, header)])
    writes = WriteBatch(raw_mode=True)
    for key, (partition, value) in changed.items():
        producer.produce(changelog, value, key, partition)
        writes.put(key, value)
    places = [TopicPartition(connection.topic(COMMANDS), partition, end) for partition, end in ends.items()]
    producer.send_offsets_to_transaction(places, consumer.consumer_group_metadata(), ANSWERS_WITHIN)
    producer.commit_transaction(ANSWERS_WITHIN)
    store.write(writes)


def _again(message: Message) -> tuple[bytes, bytes]:
    """The command, read and written again."""
    headers = dict(message.headers() or ())
    header = headers[HEADER]
    name = header if isinstance(header, bytes) else str(header).encode()
    schema = released_schemas()[name.decode()]
    tree = fastavro.schemaless_reader(BytesIO(message.value() or b""), schema.parsed, None)
    out = BytesIO()
    fastavro.schemaless_writer(out, schema.parsed, tree)
    return out.getvalue(), name

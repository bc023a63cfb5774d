"""One command, written with nothing of ours but its schema: `python example_producer.py BROKERS TOPIC`."""

import io
import sys
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import fastavro
from confluent_kafka import Producer

brokers, topic = sys.argv[1:]
schema = fastavro.schema.load_schema(str(Path(__file__).with_name("AddUnits.v1.avsc")))
command = {
    "command_id": str(uuid.uuid4()),
    "store": "DEFAULT",
    "member_id": "00000000-0000-4000-8000-000000000001",
    "issued_at": datetime.now(UTC),
    "units": Decimal("12.5"),
}
value = io.BytesIO()
fastavro.schemaless_writer(value, schema, command)
producer = Producer(
    {"bootstrap.servers": brokers, "partitioner": "murmur2_random", "enable.idempotence": True}
)
key = f"{command['store']}/{command['member_id']}"
producer.produce(topic, value.getvalue(), key, headers={"schema": "AddUnits.v1"})
sys.exit(producer.flush(10))

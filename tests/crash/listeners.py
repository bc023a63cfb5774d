"""Who is told in a run: each webhook once, one of them twice, and the legacy arrays beside them."""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from streams.codec import avro
from streams.codec.avro import HEADER
from streams.delivery.legacy_batches import is_collected
from streams.delivery.records import Delivery
from streams.stages.context import Record
from streams.webhooks import CATALOGUE
from tests.crash.topics import schema
from tests.samples import NOON, subscription, uid

BATCH_SECONDS = 3
ARRAYS = ("PointsWillExpire", "LevelWillExpire", "CouponWillExpire")
LISTENERS = (
    *(
        subscription(name, number=500 + number)
        for number, name in enumerate([*CATALOGUE, "AvailablePointsAmountChanged"])
    ),
    *(subscription(name, number=600 + number, legacy=True) for number, name in enumerate(ARRAYS)),
)


def delivery(record: Record) -> Delivery:
    return avro.decode(Delivery, record.value, schema(record))


def single(records: Iterable[Record]) -> Iterator[Record]:
    """Deliveries, each item of a batch as if it had come alone: which ones share a batch is a matter of when
    they came, and follows from nothing else."""
    for record in records:
        sent = delivery(record)
        for item in msgspec.json.decode(sent.data, type=list[msgspec.Raw]) if is_collected(sent) else ():
            yield _alone(record, sent, bytes(item))
        if not is_collected(sent):
            yield record


def _alone(record: Record, batch: Delivery, item: bytes) -> Record:
    alone = replace(
        batch,
        delivery_id=uid(0),
        webhook_event_id=uid(0),
        created_at=NOON,
        member_id=msgspec.json.decode(item)["customerId"],
        data=item.decode(),
    )
    value, header = avro.encode(alone)
    return record._replace(value=value, headers={HEADER: header.encode()})

"""Counts the records that the demo's topics hold at its end."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from streams.codec import avro
from streams.delivery.records import Attempt, Delivery
from streams.kafka.clients import Connection
from streams.kafka.log_reader import full_range, read_records
from streams.rejections import CommandRejected, PoisonRecord
from streams.stages.context import Record
from streams.topics import ATTEMPTS, DELIVERIES, POISON, REJECTIONS, WEBHOOK_EVENTS, Topic

Kind = tuple[str, bool]
"""A delivery's event name, and whether its body is legacy."""


@dataclass(frozen=True, slots=True)
class Totals:
    """`delivered` and `given_up` are delivery ids."""

    webhook_events: Counter[str]
    deliveries: dict[str, Kind]
    delivered: set[str]
    given_up: set[str]
    rejections: list[CommandRejected]
    poison: list[PoisonRecord]


def count_topics(connection: Connection) -> Totals:
    """Reads the topics that the stages and the sink write. Raises Retryable."""

    def read(topic: Topic) -> Iterator[Record]:
        return read_records(connection, full_range(connection, topic))

    deliveries = [avro.decode(Delivery, each.value, each.schema) for each in read(DELIVERIES)]
    attempts = [avro.decode(Attempt, each.value, each.schema) for each in read(ATTEMPTS)]
    return Totals(
        webhook_events=Counter(each.kind for each in read(WEBHOOK_EVENTS)),
        deliveries={each.delivery_id: (each.event_name, each.legacy) for each in deliveries},
        delivered={each.delivery_id for each in attempts if each.outcome == "delivered"},
        given_up={each.delivery_id for each in attempts if each.outcome == "dead"},
        rejections=[avro.decode(CommandRejected, each.value, each.schema) for each in read(REJECTIONS)],
        poison=[avro.decode(PoisonRecord, each.value, each.schema) for each in read(POISON)],
    )

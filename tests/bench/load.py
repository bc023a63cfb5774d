"""The commands that are measured: members with units, then transfers among them."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from confluent_kafka import Producer

from streams.codec.avro import HEADER, encode
from streams.domain.commands import AddUnits, Command, RegisterMember, SpendUnits
from streams.domain.values import Profile
from streams.kafka.clients import Connection
from streams.stages.commands import owner_of
from streams.topics import COMMANDS, Topic
from tests.samples import STORE, uid


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured. `seconds` is for how long commands come, at 100 a second, end to end."""

    members: int = 20_000
    transfers: int = 200_000
    seconds: int = 30
    lots: int = 10_000
    transactions: int = 50_000
    """Of one member, beside one with few."""
    crowd: int = 100_000
    """Members with ten lots each."""
    due: int = 20_000
    """Members whose ten lots each are told of at once."""
    deliveries: int = 20_000
    subscriptions: int = 10_000
    events: int = 200_000
    """Webhook events that are replayed."""

    @property
    def preload(self) -> int:
        """Commands before the transfers: each member is registered, and given units to spend."""
        return 2 * self.members


QUICK = Sizes(
    members=300,
    transfers=6_000,
    seconds=3,
    lots=200,
    transactions=200,
    crowd=1_000,
    due=600,
    deliveries=500,
    subscriptions=200,
    events=2_000,
)


def commands(sizes: Sizes) -> Iterator[Command]:
    """The same for the same sizes, but for `issued_at`."""
    now, chance = datetime.now(UTC), random.Random(1997)  # noqa: S311 - a load, not a secret
    for number in range(sizes.members):
        yield register(number, now)
    for number in range(sizes.members):
        yield add(number, sizes.members + number, now, "100000")
    for number in range(sizes.transfers):
        transfer = add if chance.random() < 0.5 else spend
        amount = str(chance.randrange(1, 10_000) / 100)
        yield transfer(chance.randrange(sizes.members), sizes.preload + number, now, amount)


def register(member: int, now: datetime) -> RegisterMember:
    # Nothing by which a member is known: claiming it is the identity stage's work, which is not measured.
    profile = Profile(first_name="Anna", last_name=f"Nowak {member}")
    return RegisterMember(
        command_id=uid(member), store=STORE, member_id=uid(member), issued_at=now, profile=profile
    )


def add(member: int, command: int, now: datetime, units: str) -> AddUnits:
    return AddUnits(
        command_id=uid(command), store=STORE, member_id=uid(member), issued_at=now, units=Decimal(units)
    )


def spend(member: int, command: int, now: datetime, units: str) -> SpendUnits:
    return SpendUnits(
        command_id=uid(command), store=STORE, member_id=uid(member), issued_at=now, units=Decimal(units)
    )


def append(connection: Connection, values: Iterable[Command], topic: Topic = COMMANDS) -> None:
    """All are in the log when it returns."""
    producer = Producer(connection.producer(**{"linger.ms": 50, "queue.buffering.max.messages": 10_000_000}))
    for value in values:
        produce(producer, connection, value, topic)
        producer.poll(0)
    if producer.flush(120):
        raise TimeoutError(f"{topic.name}: the commands were not all written")


def produce(producer: Producer, connection: Connection, value: Command, topic: Topic = COMMANDS) -> None:
    data, header = encode(value)
    key = owner_of(value.store, value.member_id)
    producer.produce(connection.topic(topic), data, key, headers=[(HEADER, header)])

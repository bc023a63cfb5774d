"""A record stands where murmur2 of its key says, or is put aside: elsewhere its owner is another."""

from functools import partial

import pytest

from streams.codec.avro import encode
from streams.domain.commands import AdvanceClock
from streams.domain.events import UnitsEarned
from streams.domain.messages import ReleaseIdentifier
from streams.domain.values import Identifier
from streams.kafka.partitioner import partition_of
from streams.rejections import PoisonRecord
from streams.stages.context import Clock, Record, Stage, StageContext, StreamClock, WallClock
from streams.tables.tables import Tables
from streams.topics import DELIVERIES, IDENTITY_REQUESTS, WEBHOOK_EVENTS
from tests.connectors.fakes import FakeSender
from tests.connectors.sink_driver import FIRST, Sink, delivery
from tests.driver import Pipeline, record
from tests.samples import ANNA, NOON, SETTINGS, add, register, subscription, uid

COUNT = 6
by_key = partial(partition_of, partitions=COUNT)


def at(kept: Record, partition: int) -> Record:
    return kept._replace(partition=partition)


def elsewhere(kept: Record) -> int:
    return (by_key(kept.key or b"") + 1) % COUNT


def played(stage: Stage, tables: Tables, kept: Record) -> StageContext:
    turn = StageContext(kept.partition, tables, NOON, by_key)
    assert stage.play(turn, [kept], 100) == 1
    return turn


def causes(turn: StageContext) -> list[str]:
    return [output.value.cause for output in turn.outputs if isinstance(output.value, PoisonRecord)]


def expected(kept: Record, wrong: int) -> str:
    right = by_key(kept.key or b"")
    return f"stands on partition {wrong}: expected partition {right} for this key (partitioner: murmur2)"


def request() -> Record:
    asked = ReleaseIdentifier(
        store="DEFAULT", member_id=ANNA, issued_at=NOON, identifier=Identifier(kind="email", value="a@b.cd")
    )
    value, header = encode(asked)
    return Record(IDENTITY_REQUESTS.name, 0, 0, b"DEFAULT/email/a@b.cd", value, {"schema": header.encode()})


def webhook_event(run: Pipeline) -> Record:
    return run.log[WEBHOOK_EVENTS.name][0]


def wanted() -> Record:
    value, header = encode(delivery(1))
    key = FIRST.subscription_id.encode()
    return Record(DELIVERIES.name, 0, 0, key, value, {"schema": header.encode()})


def pipeline() -> Pipeline:
    run = Pipeline(SETTINGS, now=NOON)
    run.subscribe(subscription("CustomerRegistered"))
    run.when(register())
    return run


@pytest.mark.parametrize("stage", ["loyalty", "identity", "fan-out", "sink"])
def test_no_stage_takes_a_record_that_stands_on_another_partition_than_its_key_s(stage: str) -> None:
    run, sink = pipeline(), Sink(FakeSender())
    cases: dict[str, tuple[Record, Stage, Tables]] = {
        "loyalty": (record(add("1"), 9), run.loyalty, run.tables),
        "identity": (request(), run.identity, run.identifiers),
        "fan-out": (webhook_event(run), run.fan_out, run.batches),
        "sink": (wanted(), sink.stage, sink.tables),
    }
    kept, by, tables = cases[stage]
    right, wrong = by_key(kept.key or b""), elsewhere(kept)
    sink.stage.assigned(wrong, sink.tables)

    assert causes(played(by, tables, at(kept, wrong))) == [expected(kept, wrong)]
    assert StageContext(right, tables, NOON, by_key).takes(at(kept, right))


@pytest.mark.parametrize("clock", [WallClock(), StreamClock()], ids=["live", "history"])
def test_what_stands_elsewhere_changes_no_state_and_the_next_record_is_handled(clock: Clock) -> None:
    run = Pipeline(SETTINGS, now=NOON, clock=clock)
    run.when(register())
    good, bad = record(add("5"), 1), record(add("7"), 2)
    right, wrong = by_key(good.key or b""), elsewhere(good)
    turn = StageContext(right, run.tables, NOON, by_key)

    assert run.loyalty.play(turn, [at(bad, wrong), at(good, right)], 100) == 2

    assert causes(turn) == [expected(bad, wrong)]
    assert [o.value.units for o in turn.outputs if isinstance(o.value, UnitsEarned)] == [5]
    assert turn.record is None


@pytest.mark.parametrize("partition", range(COUNT))
def test_a_clock_s_record_reaches_each_partition_whatever_its_key(partition: int) -> None:
    run = Pipeline(SETTINGS, now=NOON, clock=StreamClock())
    tick = at(record(AdvanceClock(command_id=uid(1), issued_at=NOON), 1), partition)

    assert causes(played(run.loyalty, run.tables, tick)) == []


def test_a_delivery_with_another_subscription_s_key_is_put_aside() -> None:
    sink = Sink(FakeSender())
    lying = wanted()._replace(key=uid(999).encode())
    turn = StageContext(0, sink.tables, NOON)

    sink.stage.play(turn, [lying], 100)

    assert causes(turn) == [f"has the key '{uid(999)}' where '{FIRST.subscription_id}' belongs"]


def test_a_webhook_event_with_another_store_s_key_reaches_none_of_its_subscriptions() -> None:
    run = pipeline()
    lying = webhook_event(run)._replace(key=f"DEFAULT/{uid(2)}".encode())
    turn = StageContext(0, run.batches, NOON)

    run.fan_out.play(turn, [lying], 100)

    assert causes(turn) == [f"has the key 'DEFAULT/{uid(2)}' where 'DEFAULT/{ANNA}' belongs"]
    assert [output for output in turn.outputs if output.topic == DELIVERIES] == []


def test_a_key_longer_than_any_of_ours_is_not_even_hashed() -> None:
    run = pipeline()
    huge = record(add("1"), 9)._replace(key=b"k" * (4 << 20))

    run.arrive(huge)

    assert run.poison() == ["has a key of 4,194,304 bytes; one has 8,192 at most"]

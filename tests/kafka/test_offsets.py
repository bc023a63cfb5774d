"""An offset below 0 is no answer, a part is not the whole, and a client that goes on failing is replaced."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import OFFSET_END, OFFSET_INVALID, KafkaError, KafkaException, TopicPartition

from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.kafka.cluster import Admin, Config, Consumer, Librdkafka
from streams.kafka.consumer_offsets import committed, first_offset_since, read_watermarks
from streams.kafka.offsets import Cancelled, PartitionOffsets, Place

NOW = datetime(2026, 3, 2, tzinfo=UTC)
ONE, TWO = ("ledgers", 0), ("members", 0)
Answer = Mapping[Place, int | KafkaException]
FENCED = KafkaException(KafkaError(KafkaError.FENCED_LEADER_EPOCH))


@dataclass(slots=True)
class Scripted(Librdkafka):
    """Answers one question after the other, the last for ever, on a clock that moves when somebody sleeps."""

    answers: list[Answer]
    clients: int = 0
    asked: list[set[Place]] = field(default_factory=list)
    time: float = 0.0

    def admin(self, config: Config) -> Admin:  # noqa: ARG002
        self.clients += 1
        return cast(Admin, _Client(self))

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@dataclass(slots=True)
class _Client:
    script: Scripted

    def list_topics(self, timeout: float) -> None: ...

    def list_offsets(self, asked: Mapping[TopicPartition, object], **_: object) -> dict[TopicPartition, Any]:
        answer = self.script.answers.pop(0) if len(self.script.answers) > 1 else self.script.answers[0]
        self.script.asked.append({(at.topic, at.partition) for at in asked})
        return {at: _future(answer[at.topic, at.partition]) for at in asked}


def _future(answer: int | KafkaException) -> "Future[SimpleNamespace]":
    future: Future[SimpleNamespace] = Future()
    if isinstance(answer, KafkaException):
        future.set_exception(answer)
    else:
        future.set_result(SimpleNamespace(offset=answer))
    return future


def offsets(*answers: Answer) -> tuple[Scripted, PartitionOffsets]:
    script = Scripted(list(answers))
    return script, PartitionOffsets(Connection("nowhere:9", cluster=script), 10.0)


def test_a_leader_that_did_not_answer_is_asked_again_by_another_client() -> None:
    script, asked = offsets({ONE: OFFSET_INVALID, TWO: 5}, {ONE: 9_692, TWO: 5})

    assert asked.ends([ONE, TWO]) == {ONE: 9_692, TWO: 5}
    assert script.asked == [{ONE, TWO}, {ONE}]
    assert script.clients == 2


@pytest.mark.parametrize("offset", [-1, -2, -1001, -1000])
def test_no_negative_offset_is_ever_an_end_or_a_beginning(offset: int) -> None:
    script, asked = offsets({ONE: offset})

    with pytest.raises(Retryable, match=r"does not say where ledgers\[0\] end: its leader does not answer"):
        asked.ends([ONE])
    with pytest.raises(Retryable, match="begin"):
        asked.begins([ONE])
    assert script.time >= 20.0


def test_a_client_that_has_seen_a_leader_move_is_not_asked_for_ever() -> None:
    script, asked = offsets({ONE: FENCED}, {ONE: FENCED}, {ONE: 7})

    assert asked.ends([ONE]) == {ONE: 7}
    assert asked.ends([ONE]) == {ONE: 7}
    assert script.clients == 3


def test_of_a_moment_there_may_be_no_record_but_no_answer_is_another_thing() -> None:
    _, asked = offsets({ONE: -1, TWO: OFFSET_INVALID}, {TWO: 3})

    assert asked.since([ONE, TWO], NOW) == {ONE: None, TWO: 3}


def test_who_does_not_want_to_know_any_more_is_not_kept_waiting() -> None:
    script = Scripted([{ONE: OFFSET_INVALID}])

    with pytest.raises(Cancelled):
        PartitionOffsets(Connection("nowhere:9", cluster=script), 10.0, lambda: True).ends([ONE])

    assert script.time == 0.0


def at(offset: int, error: int | None = None, topic: str = "commands") -> TopicPartition:
    # The client's own has an error that nobody else can set.
    place = SimpleNamespace(topic=topic, partition=0, offset=offset, metadata="")
    place.error = None if error is None else KafkaError(error)
    return cast(TopicPartition, place)


@dataclass(slots=True)
class Told:
    """A consumer that is answered so."""

    places: Sequence[TopicPartition] = ()
    marks: tuple[int, int] = (0, 0)

    def committed(self, *_: object) -> Sequence[TopicPartition]:
        return self.places

    def offsets_for_times(self, *_: object) -> Sequence[TopicPartition]:
        return self.places

    def get_watermark_offsets(self, *_: object) -> tuple[int, int]:
        return self.marks


PLACE = TopicPartition("commands", 0)


def consumer(*places: TopicPartition, marks: tuple[int, int] = (0, 0)) -> Consumer:
    return cast(Consumer, Told(places, marks))


def test_a_group_stands_somewhere_or_nowhere_yet_or_it_was_not_answered() -> None:
    assert committed(consumer(at(7)), [PLACE], 1)[0].offset == 7
    assert committed(consumer(at(OFFSET_INVALID)), [PLACE], 1)[0].offset == OFFSET_INVALID
    for told in (at(OFFSET_INVALID, KafkaError.UNSTABLE_OFFSET_COMMIT), at(-5), at(7, topic="another")):
        with pytest.raises(KafkaException):
            committed(consumer(told), [PLACE], 1)


@pytest.mark.parametrize("marks", [(0, -1001), (-1001, -1001), (-1001, 5), (6, 5)])
def test_a_partition_begins_and_ends_at_offsets(marks: tuple[int, int]) -> None:
    assert read_watermarks(consumer(marks=(3, 5)), PLACE, 1) == (3, 5)
    with pytest.raises(KafkaException):
        read_watermarks(consumer(marks=marks), PLACE, 1)


def test_a_moment_has_a_first_record_or_none_or_it_was_not_answered() -> None:
    assert first_offset_since(consumer(at(7)), PLACE, NOW, 1) == 7
    assert first_offset_since(consumer(at(OFFSET_END)), PLACE, NOW, 1) is None
    for told in (at(OFFSET_INVALID), at(0, KafkaError.NOT_LEADER_FOR_PARTITION)):
        with pytest.raises(KafkaException):
            first_offset_since(consumer(told), PLACE, NOW, 1)

"""Short scripts for any cluster behind the port: what they return must be the same on each."""

from collections.abc import Callable

from confluent_kafka import (
    IsolationLevel,
    KafkaError,
    TopicPartition,
)
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

from tests.simulated.bench import WITHIN, Bench, Result, read_to_end, refused, until, write


def committed_records_and_their_marker(bench: Bench) -> Result:
    topic, writer = bench.topic(), bench.writer("a")
    for value in (b"1", b"2"):
        writer.begin_transaction()
        write(writer, topic, value)
        writer.commit_transaction(WITHIN)
    bench.await_that(lambda: _stable_end(bench, topic) == 4)
    return read_to_end(bench.reader(topic))


def _stable_end(bench: Bench, topic: str) -> int:
    reader = bench.reader(topic)
    return reader.get_watermark_offsets(TopicPartition(topic, 0), WITHIN)[1]


def an_open_transaction_holds_up_who_reads_what_is_committed(bench: Bench) -> Result:
    topic, writer = bench.topic(), bench.writer("a")
    writer.begin_transaction()
    write(writer, topic, b"1")
    before = read_to_end(bench.reader(topic))
    all_of_it = read_to_end(bench.reader(topic, isolation="read_uncommitted"))
    ends = [_stable_end(bench, topic), *_offsets(bench, topic)]
    writer.commit_transaction(WITHIN)
    bench.await_that(lambda: _stable_end(bench, topic) == 2)
    return [before, all_of_it, ends, read_to_end(bench.reader(topic))]


def _offsets(bench: Bench, topic: str) -> list[int]:
    place = TopicPartition(topic, 0)
    admin = bench.connection.open_admin()
    admin.list_topics(topic, WITHIN)
    found = []
    for isolation in (IsolationLevel.READ_UNCOMMITTED, IsolationLevel.READ_COMMITTED):
        for spec in (OffsetSpec.earliest(), OffsetSpec.latest()):  # type: ignore[no-untyped-call]
            answers = admin.list_offsets({place: spec}, isolation_level=isolation, request_timeout=WITHIN)
            found += [future.result(WITHIN).offset for future in answers.values()]
    return found


def what_is_aborted_is_never_read(bench: Bench) -> Result:
    topic, writer = bench.topic(), bench.writer("a")
    writer.begin_transaction()
    write(writer, topic, b"1")
    writer.abort_transaction(WITHIN)
    writer.begin_transaction()
    write(writer, topic, b"2")
    writer.commit_transaction(WITHIN)
    bench.await_that(lambda: _stable_end(bench, topic) == 4)
    return [
        read_to_end(bench.reader(topic)),
        read_to_end(bench.reader(topic, isolation="read_uncommitted")),
    ]


def a_successor_of_the_same_name_fences_its_predecessor(bench: Bench) -> Result:
    topic, first = bench.topic(), bench.writer("a")
    first.begin_transaction()
    write(first, topic, b"1")
    second = bench.writer("a")
    told = refused(lambda: first.commit_transaction(WITHIN))
    second.begin_transaction()
    write(second, topic, b"2")
    second.commit_transaction(WITHIN)
    bench.await_that(lambda: _stable_end(bench, topic) == 4)
    return [told, read_to_end(bench.reader(topic))]


def keys_choose_partitions(bench: Bench) -> Result:
    topic, producer = bench.topic(3), bench.connection.open_producer()
    for key in (b"anna", b"boris", b"clara", b"dora"):
        producer.produce(topic, key, key)
    assert producer.flush(WITHIN) == 0
    return sorted(read_to_end(bench.reader(topic, 0, 1, 2), ends=3), key=str)


def an_offset_that_is_not_there_is_an_error_where_one_asks_for_that(bench: Bench) -> Result:
    topic = bench.topic()
    write(bench.connection.open_producer(), topic, b"1")
    reader = bench.reader(topic, at=7)
    message = reader.poll(WITHIN)
    assert message is not None, "nothing came"
    error = message.error()
    return [error.name() if error else None]


def a_topic_that_is_not_there(bench: Bench) -> Result:
    topic = bench.topic()
    reader = bench.reader(topic)
    found = reader.list_topics(f"{topic}-other", WITHIN).topics[f"{topic}-other"]
    return [found.error.name(), len(found.partitions)]


def offsets_are_committed_with_their_transaction(bench: Bench) -> Result:
    topic, writer = bench.topic(), bench.writer("a")
    write(bench.connection.open_producer(), topic, b"1", b"2", b"3")
    member = bench.member(topic)
    until(bench, lambda: len(member.heard) == 3, member)
    place = TopicPartition(topic, 0)
    before = member.consumer.committed([place], WITHIN)[0].offset
    for offset, end in ((2, writer.abort_transaction), (3, writer.commit_transaction)):
        writer.begin_transaction()
        at = TopicPartition(topic, 0, offset)
        writer.send_offsets_to_transaction([at], member.consumer.consumer_group_metadata(), WITHIN)
        end(WITHIN)
    return [before, member.consumer.committed([place], WITHIN)[0].offset]


def who_has_left_the_group_commits_no_offsets(bench: Bench) -> Result:
    topic, writer = bench.topic(), bench.writer("a")
    member = bench.member(topic)
    until(bench, lambda: member.has == [0], member)
    stale = member.consumer.consumer_group_metadata()
    member.consumer.unsubscribe()
    other = bench.member(topic)
    until(bench, lambda: other.has == [0], member, other)
    writer.begin_transaction()
    at = TopicPartition(topic, 0, 1)
    told = refused(lambda: writer.send_offsets_to_transaction([at], stale, WITHIN))
    writer.abort_transaction(WITHIN)
    return [told]


def partitions_are_shared_by_range(bench: Bench) -> Result:
    topic = bench.topic(3)
    a = bench.member(topic, "a")
    until(bench, lambda: a.has == [0, 1, 2], a)
    b = bench.member(topic, "b")
    # Either may hear of its share first.
    until(bench, lambda: a.has == [0, 1] and b.has == [2], a, b)
    return [a.has, b.has, a.rebalances, b.rebalances]


def a_successor_with_the_same_instance_moves_nothing(bench: Bench) -> Result:
    topic = bench.topic(2)
    a, b = bench.member(topic, "a"), bench.member(topic, "b")
    until(bench, lambda: a.has == [0] and b.has == [1], a, b)
    moved = len(b.rebalances)
    again = bench.member(topic, "a")
    until(bench, lambda: again.has == [0], b, again)
    fenced: list[KafkaError] = []

    def is_fenced() -> bool:
        fenced[:] = [error for message in a.heard if (error := message.error()) is not None]
        return bool(fenced)

    until(bench, is_fenced, a, b, again)
    return [b.has, len(b.rebalances) - moved, fenced[0].name()]


SCRIPTS: dict[Callable[[Bench], Result], Result] = {
    committed_records_and_their_marker: [(0, 0, b"k", b"1"), (0, 2, b"k", b"2"), (0, 4)],
    an_open_transaction_holds_up_who_reads_what_is_committed: [
        [(0, 0)],
        [(0, 0, b"k", b"1"), (0, 1)],
        [0, 0, 1, 0, 0],
        [(0, 0, b"k", b"1"), (0, 2)],
    ],
    what_is_aborted_is_never_read: [
        [(0, 2, b"k", b"2"), (0, 4)],
        [(0, 0, b"k", b"1"), (0, 2, b"k", b"2"), (0, 4)],
    ],
    a_successor_of_the_same_name_fences_its_predecessor: [
        ("_FENCED", True, False),
        [(0, 2, b"k", b"2"), (0, 4)],
    ],
    keys_choose_partitions: [
        (0, 0),
        (1, 0, b"anna", b"anna"),
        (1, 1, b"boris", b"boris"),
        (1, 2, b"dora", b"dora"),
        (1, 3),
        (2, 0, b"clara", b"clara"),
        (2, 1),
    ],
    an_offset_that_is_not_there_is_an_error_where_one_asks_for_that: ["_AUTO_OFFSET_RESET"],
    a_topic_that_is_not_there: ["UNKNOWN_TOPIC_OR_PART", 0],
    offsets_are_committed_with_their_transaction: [-1001, 3],
    who_has_left_the_group_commits_no_offsets: [("UNKNOWN_MEMBER_ID", False, True)],
    partitions_are_shared_by_range: [[0, 1], [2], ["assigned", "revoked", "assigned"], ["assigned"]],
    a_successor_with_the_same_instance_moves_nothing: [[1], 0, "_FATAL"],
}
"""And what each returns."""

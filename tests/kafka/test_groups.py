"""Where a group stands and who is in it, seen from outside; the process that asks for members may die."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing

import pytest
from confluent_kafka import TopicPartition

from streams.errors import Retryable
from streams.kafka.clients import Connection, connection
from streams.kafka.cluster import Consumer
from streams.kafka.group_members import GroupDescriber, GroupMember
from streams.kafka.group_offsets import NO_OFFSET, GroupOffsets
from streams.kafka.topic_admin import create_topics
from streams.settings import Settings
from streams.topics import COMMANDS
from tests.kafka.fleet import eventually

WITHIN = 60.0
NAME = "somebody"


@pytest.fixture
def here(settings: Settings) -> Connection:
    made = connection(settings, settings.bootstrap_servers or "")
    create_topics(made, settings, (COMMANDS,))
    return made


@pytest.fixture
def member(here: Connection) -> Iterator[Consumer]:
    """The one member of the group `loyalty`."""
    own = {"group.id": f"{here.prefix}loyalty", "group.instance.id": NAME}
    with closing(here.open_consumer(**own)) as consumer:
        came: list[TopicPartition] = []

        def assigned(consumer: Consumer, partitions: list[TopicPartition]) -> None:
            came.extend(partitions)
            consumer.assign(partitions)

        consumer.subscribe([here.topic(COMMANDS)], on_assign=assigned)
        while not came:
            consumer.poll(0.1)
        yield consumer


def seen(here: Connection, groups: GroupDescriber) -> list[GroupMember]:
    name = f"{here.prefix}loyalty"
    return groups.members([name], WITHIN)[name]


def test_who_is_in_a_group_is_seen_and_of_an_unknown_group_nobody(here: Connection, member: Consumer) -> None:
    with GroupDescriber(here) as groups:
        found = groups.members([f"{here.prefix}loyalty", f"{here.prefix}nobody"], WITHIN)

    assert found == {
        f"{here.prefix}loyalty": [GroupMember(NAME, "loyalty", "127.0.0.1")],
        f"{here.prefix}nobody": [],
    }


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_the_process_that_asks_may_die_and_the_next_question_is_answered_by_another(
    here: Connection, member: Consumer, number: signal.Signals
) -> None:
    with GroupDescriber(here) as groups:
        seen(here, groups)
        first = groups.pid
        assert first is not None

        os.kill(first, number)

        with pytest.raises(Retryable, match=f"ended with code {-number}"):
            seen(here, groups)
        assert [found.instance for found in seen(here, groups)] == [NAME]
        assert groups.pid not in (None, first)


def test_the_process_that_asks_ends_with_who_wanted_to_know(here: Connection, member: Consumer) -> None:
    with GroupDescriber(here) as groups:
        seen(here, groups)
        pid = groups.pid
        assert pid is not None

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_cluster_that_does_not_answer_is_said_to(here: Connection) -> None:
    with GroupDescriber(Connection("127.0.0.1:1")) as groups, pytest.raises(Retryable, match="not known"):
        groups.members(["any"], 1.0)


def test_where_a_group_stands_is_seen_without_coming_into_it(here: Connection, member: Consumer) -> None:
    topic = here.topic(COMMANDS)
    place = (topic, 1)
    producer = here.open_producer(**{"transactional.id": f"{here.prefix}committer"})
    producer.init_transactions(WITHIN)
    producer.begin_transaction()
    offsets = [TopicPartition(topic, 1, 7)]
    producer.send_offsets_to_transaction(offsets, member.consumer_group_metadata(), WITHIN)

    with closing(GroupOffsets(here, "loyalty")) as onlooker:
        under_way = onlooker.committed([place], WITHIN)
        producer.commit_transaction(WITHIN)
        # A coordinator answers before it has written everywhere that it is committed.
        eventually(
            lambda: onlooker.committed([place, (topic, 2)], WITHIN) == {place: 7, (topic, 2): NO_OFFSET},
            lambda: "the offsets are not committed",
        )
        with GroupDescriber(here) as groups:
            assert [found.instance for found in seen(here, groups)] == [NAME]

    assert under_way == {place: NO_OFFSET}

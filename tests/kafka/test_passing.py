"""Which errors pass by themselves: Kafka's own table of retriable errors decides, and nothing is added."""

import subprocess
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.kafka.cluster import Librdkafka
from streams.kafka.transient_errors import is_transient, retry_transient
from streams.local_broker import jars, tools

PROGRAM = Path(__file__).with_name("Retriable.java")
CODES = range(-1, 200)
LOOKED_FOR_ANEW = {KafkaError.BROKER_NOT_AVAILABLE, KafkaError.REBOOTSTRAP_REQUIRED}
LOCAL = {
    KafkaError._TRANSPORT,
    KafkaError._RESOLVE,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TIMED_OUT,
    KafkaError._TIMED_OUT_QUEUE,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_BROKER,
    KafkaError._ISR_INSUFF,
    KafkaError._NODE_UPDATE,
    KafkaError._WAIT_COORD,
    KafkaError._WAIT_CACHE,
    KafkaError._OUTDATED,
    KafkaError._RETRY,
    KafkaError._DESTROY,
    KafkaError._DESTROY_BROKER,
}


@pytest.fixture(scope="module")
def retriable(libraries: Path) -> set[int]:
    """As the pinned Kafka itself has them."""
    jars.fetch_jars(libraries, lambda _: None)
    command = [tools.find_java(), "-cp", f"{libraries}/*", str(PROGRAM)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {int(code) for code in said.split()}


def test_of_the_protocols_table_what_is_retriable_passes(retriable: set[int]) -> None:
    passing = {code for code in CODES if is_transient(KafkaError(code))}

    assert len(retriable) > 25
    assert passing - retriable == LOOKED_FOR_ANEW
    assert retriable - passing == set()


def test_of_the_clients_own_errors_those_pass_that_say_that_no_broker_was_heard() -> None:
    assert {code for code in range(-200, -1) if is_transient(KafkaError(code))} == LOCAL


def test_a_fatal_error_does_not_pass_whatever_its_code() -> None:
    assert not is_transient(KafkaError(KafkaError._TIMED_OUT, "", fatal=True))
    assert is_transient(KafkaError(KafkaError.UNKNOWN, "", retriable=True))


def test_a_question_is_asked_again_until_it_is_answered() -> None:
    answers = [KafkaError(KafkaError.OFFSET_NOT_AVAILABLE), KafkaError(KafkaError._DESTROY), None]

    assert retry_transient(Librdkafka(), lambda: _answer(answers), 10) == 0


def test_a_question_is_not_asked_again_after_its_time_or_an_error_that_stays() -> None:
    with pytest.raises(KafkaException, match="OFFSET_NOT_AVAILABLE"):
        retry_transient(Librdkafka(), lambda: _answer([KafkaError(KafkaError.OFFSET_NOT_AVAILABLE)]), -1)
    with pytest.raises(KafkaException, match="TOPIC_AUTHORIZATION_FAILED"):
        retry_transient(
            Librdkafka(), lambda: _answer([KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)]), 10
        )


def _answer(answers: list[KafkaError | None]) -> int:
    error = answers.pop(0)
    if error:
        raise KafkaException(error)
    return len(answers)

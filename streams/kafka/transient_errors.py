"""Which of Kafka's errors pass by themselves: one list, for whoever asks again or goes on waiting.

The broker's are those that Kafka's protocol calls retriable in its table of error codes (see also KIP-360 and
KIP-1050); librdkafka says so of transactions' errors alone. How long it may take is the asker's to say: each
who asks again has a deadline. Whether a transaction may be tried again is librdkafka's to say: see
`transactions`.
"""

from collections.abc import Callable
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException

from streams.kafka.cluster import Cluster

_RETRIABLE = {
    KafkaError.INVALID_MSG,  # a batch that was damaged on its way
    KafkaError.UNKNOWN_TOPIC_OR_PART,  # a topic just made, on a broker that has not heard of it
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.REPLICA_NOT_AVAILABLE,
    KafkaError.NETWORK_EXCEPTION,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.NOT_ENOUGH_REPLICAS,
    KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    KafkaError.NOT_CONTROLLER,
    KafkaError.CONCURRENT_TRANSACTIONS,
    KafkaError.KAFKA_STORAGE_ERROR,
    KafkaError.FETCH_SESSION_ID_NOT_FOUND,
    KafkaError.INVALID_FETCH_SESSION_EPOCH,
    KafkaError.LISTENER_NOT_FOUND,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.OFFSET_NOT_AVAILABLE,  # a leader just elected does not know yet how far its followers are
    KafkaError.PREFERRED_LEADER_NOT_AVAILABLE,
    KafkaError.ELIGIBLE_LEADERS_NOT_AVAILABLE,
    KafkaError.ELECTION_NOT_NEEDED,
    KafkaError.UNSTABLE_OFFSET_COMMIT,
    KafkaError.THROTTLING_QUOTA_EXCEEDED,
    KafkaError.UNKNOWN_TOPIC_ID,
    KafkaError.INCONSISTENT_TOPIC_ID,
    106,  # FETCH_SESSION_TOPIC_ID_ERROR, which librdkafka has no name for
    KafkaError.SHARE_SESSION_NOT_FOUND,
    KafkaError.INVALID_SHARE_SESSION_EPOCH,
    KafkaError.SHARE_SESSION_LIMIT_REACHED,
}
# Not in the table: the client has to look for brokers anew, and does so by itself.
_ON_THE_MOVE = {KafkaError.BROKER_NOT_AVAILABLE, KafkaError.REBOOTSTRAP_REQUIRED}
# librdkafka's own: no broker was heard, or its metadata are older than what is asked for.
_LOCAL = {
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
    # The connection's thread ended with the request in it, because its broker has left the cluster.
    KafkaError._DESTROY,
    KafkaError._DESTROY_BROKER,
}
UNKNOWN_TOPIC_ERRORS = {
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.UNKNOWN_TOPIC_ID,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
}
"""Passes where a broker has not heard of a topic yet, and does not where somebody has deleted it."""
TRANSIENT_ERRORS = frozenset(_RETRIABLE | _ON_THE_MOVE | _LOCAL)


T = TypeVar("T")
# Seconds between two questions: Kafka has no call that waits for a leader.
RETRY_SECONDS = 0.1


def retry_transient(cluster: Cluster, question: Callable[[], T], within: float) -> T:
    """The answer, asked again while errors pass. Raises the last KafkaException after `within` seconds."""
    until = cluster.now() + within
    while True:
        try:
            return question()
        except KafkaException as failure:
            if not is_transient(failure) or cluster.now() > until:
                raise
            cluster.sleep(RETRY_SECONDS)


def is_transient(error: KafkaError | KafkaException) -> bool:
    """Whether the same question, asked again a moment later, may be answered. Never of a fatal error."""
    found: KafkaError = error.args[0] if isinstance(error, KafkaException) else error
    return not found.fatal() and (found.retriable() or found.code() in TRANSIENT_ERRORS)

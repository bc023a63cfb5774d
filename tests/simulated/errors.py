"""Kafka's own table of error codes: which of them say that the same may be asked again.

From the protocol guide of Apache Kafka 4, "Error Codes".
"""

from confluent_kafka import KafkaError, KafkaException

RETRIABLE = frozenset(
    {2, 3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 83, 88, 89}
)
"""Codes of the protocol that pass."""
LAST = 132
PROTOCOL = tuple(code for code in range(-1, LAST + 1) if code != 0)
OF_LEADERS = (3, 5, 6, 9, 13, 56, 74, 75, 78)
OF_COORDINATORS = (14, 15, 16)
OF_TRANSACTIONS = (*OF_COORDINATORS, 51)
OF_CLIENT = (
    KafkaError._TRANSPORT,
    KafkaError._TIMED_OUT,
    KafkaError._ALL_BROKERS_DOWN,
)
"""librdkafka's own, for a broker that is away."""


def error(code: int, reason: str = "", *, fatal: bool = False, abort: bool = False) -> KafkaError:
    """As librdkafka gives it from a transactional call, which alone says what may be tried again."""
    passes = code in RETRIABLE or code in OF_CLIENT
    return KafkaError(
        code, reason or None, fatal=fatal, retriable=passes and not fatal, txn_requires_abort=abort
    )


def failure(code: int, reason: str = "", *, fatal: bool = False, abort: bool = False) -> KafkaException:
    return KafkaException(error(code, reason, fatal=fatal, abort=abort))


def plain(code: int, reason: str = "") -> KafkaException:
    """As calls outside of transactions raise it: it does not say whether it passes."""
    return KafkaException(KafkaError(code, reason or None))

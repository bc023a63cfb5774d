"""Why no broker answers: librdkafka itself says only that its transport failed."""

import time
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException

from streams.errors import LoyaltyError, Misconfigured, Retryable
from streams.kafka.clients import Connection

LISTENS = 3.0
"""Seconds for a client to say what it meets."""
# What stays as it is until somebody changes the configuration, by librdkafka's code and a part of its text.
_LASTING = {
    KafkaError._AUTHENTICATION: ("",),
    KafkaError._SSL: ("certificate", "wrong version number", "unknown ca"),
}
_TELLING = (KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError._RESOLVE, KafkaError._TRANSPORT)


class _Client(Protocol):
    def poll(self, timeout: float) -> int: ...


def connection_problem(connection: Connection, failure: KafkaException) -> LoyaltyError:
    """What to raise where a call failed because no broker answers.

    Misconfigured if user, password, mechanism or certificate are refused; otherwise Retryable. Both say what
    the first client to meet an obstacle says of it.
    """
    at = connection.bootstrap_servers
    met: list[KafkaError] = []
    client: Any = connection.cluster.admin({**connection.admin(), "error_cb": met.append})
    reason = _first_reason(client, met)
    if reason is None:
        hint = (
            "" if "security.protocol" in connection.extra else "; one that wants TLS needs security.protocol"
        )
        return Retryable(f"No Kafka answers at {at}: {failure.args[0].str()}{hint}")
    if any(part in reason.str().lower() for part in _LASTING.get(reason.code(), ())):
        return Misconfigured(f"Kafka at {at} cannot be used: {reason.str()}")
    return Retryable(f"No Kafka answers at {at}: {reason.str()}")


def _first_reason(client: _Client, met: list[KafkaError]) -> KafkaError | None:
    until = time.monotonic() + LISTENS
    while time.monotonic() < until:
        client.poll(0.1)
        reason = next((error for error in met if error.code() in _TELLING), None)
        if reason is not None:
            return reason
    return None

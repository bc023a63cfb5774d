"""Asks the leaders of partitions where these begin and end.

librdkafka's admin client reports success, with a negative offset, for a partition whose leader gave no
answer; and one that has seen a leader move may answer FENCED_LEADER_EPOCH for as long as it lives. So an
offset below 0 counts as no answer, and after any failure a new client asks again.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import TimeoutError as Late
from datetime import datetime
from typing import Any

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec as Spec  # type: ignore[attr-defined]

from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.kafka.cluster import Admin

Place = tuple[str, int]
"""A topic's name in the cluster, and a partition."""
# Seconds for one question: between two it is seen whether the answer is still wanted.
REQUEST_TIMEOUT = 3.0
RETRY_SECONDS = 0.2
NO_LATER_RECORD = -1
"""Kafka's answer when no record is that young."""


class Cancelled(Exception):
    """The caller has cancelled the request."""


class PartitionOffsets:
    """For one thread at a time. Each question raises Retryable where it has no whole answer `within` seconds,
    and Cancelled once `cancelled` says so."""

    def __init__(
        self, connection: Connection, within: float, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        self._connection = connection
        self._within = within
        self._cancelled = cancelled
        self._admin: Admin | None = None

    def ends(
        self, places: Iterable[Place], isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED
    ) -> dict[Place, int]:
        """The end of each; unless `isolation` says otherwise the log's own, open transactions included."""
        return self._told(places, Spec.latest(), "end", isolation)  # type: ignore[no-untyped-call]

    def begins(self, places: Iterable[Place]) -> dict[Place, int]:
        return self._told(places, Spec.earliest(), "begin")  # type: ignore[no-untyped-call]

    def since(self, places: Iterable[Place], moment: datetime) -> dict[Place, int | None]:
        """The first record of each that is as young as that; None: there is none."""
        spec = Spec.for_timestamp(max(0, int(moment.timestamp() * 1000)))
        found = self._told(places, spec, f"were at {moment}", least=NO_LATER_RECORD)
        return {place: None if at == NO_LATER_RECORD else at for place, at in found.items()}

    def forget(self) -> None:
        """Let a fresh client ask next, which may hear of other leaders."""
        self._admin = None

    def _told(
        self,
        places: Iterable[Place],
        spec: Spec,
        what: str,
        isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
        least: int = 0,
    ) -> dict[Place, int]:
        found: dict[Place, int] = {}
        left, cluster = set(places), self._connection.cluster
        until = cluster.now() + self._within
        while left:
            answers, why = self._asked(left, spec, isolation)
            found |= {place: at for place, at in answers.items() if at >= least}
            left -= found.keys()
            if left:
                self.forget()
                if self._cancelled():
                    raise Cancelled
                if cluster.now() > until:
                    raise Retryable(f"the cluster does not say where {_named(left)} {what}: {why}")
                # A topic just made, or a broker just back, has no leader for a moment.
                cluster.sleep(RETRY_SECONDS)
        return found

    def _asked(
        self, places: Iterable[Place], spec: Spec, isolation: IsolationLevel
    ) -> tuple[dict[Place, int], str]:
        """What was answered, of some or of all; and why there is nothing of others."""
        try:
            answers = self._client().list_offsets(
                {TopicPartition(*place): spec for place in places},
                isolation_level=isolation,
                request_timeout=REQUEST_TIMEOUT,
            )
        except KafkaException as failure:
            return {}, _said(failure)
        return _collected(answers)

    def _client(self) -> Admin:
        if self._admin is None:
            admin = self._connection.open_admin()
            # A client that knows no leaders yet was seen to ask for them in vain, for as long as it may.
            admin.list_topics(timeout=REQUEST_TIMEOUT)
            self._admin = admin
        return self._admin


def _collected(answers: Mapping[TopicPartition, Any]) -> tuple[dict[Place, int], str]:
    found: dict[Place, int] = {}
    why = "its leader does not answer"
    for at, future in answers.items():
        try:
            # The client's own bound is the request's; this one is for a client that forgets to answer.
            found[at.topic, at.partition] = future.result(2 * REQUEST_TIMEOUT).offset
        except KafkaException as failure:
            why = _said(failure)
        except Late:
            pass
    return found, why


def _said(failure: KafkaException) -> str:
    text: str = failure.args[0].str()
    return text


def _named(places: set[Place]) -> str:
    topic, number = min(places)
    return f"{topic}[{number}]" + (f" and {len(places) - 1} others" if len(places) > 1 else "")

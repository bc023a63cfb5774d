"""Where partitions end, as the cluster says: what was committed before the question lies before it."""

import asyncio
from collections.abc import Iterable

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec as Spec  # type: ignore[attr-defined]

from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.kafka.passing import is_passing

Place = tuple[str, int]
"""A topic's name in the cluster, and a partition."""
ANSWERS_WITHIN = 5.0
AGAIN = 0.1


class Ends:
    """Those who ask while a question is under way share the next one. For one event loop."""

    def __init__(self, connection: Connection) -> None:
        self._admin = connection.open_admin()
        self._now = connection.cluster.now
        self._wanted: set[Place] = set()
        self._acquainted = False
        self._under_way: asyncio.Task[dict[Place, int]] | None = None
        self._next: asyncio.Task[dict[Place, int]] | None = None

    async def of(self, places: Iterable[Place]) -> dict[Place, int]:
        """The end of each, open transactions included, as of some moment after the call.

        Raises Retryable where the cluster does not answer in time.
        """
        wanted = list(places)
        self._wanted.update(wanted)
        if self._next is None:
            self._next = asyncio.create_task(self._round(self._under_way))
        try:
            found = await asyncio.shield(self._next)
        except KafkaException as failure:
            raise Retryable(f"the cluster does not say where topics end: {failure.args[0].str()}") from None
        return {place: found[place] for place in wanted}

    async def _round(self, before: "asyncio.Task[dict[Place, int]] | None") -> dict[Place, int]:
        if before:
            await asyncio.wait([before])
        wanted, self._wanted = self._wanted, set()
        self._under_way, self._next = self._next, None
        until = self._now() + ANSWERS_WITHIN
        while True:
            try:
                return await self._answer(wanted)
            except KafkaException as failure:
                # A topic just made, or a broker just back, has no leader for a moment.
                if not is_passing(failure) or self._now() > until:
                    raise
                await asyncio.sleep(AGAIN)

    async def _answer(self, wanted: Iterable[Place]) -> dict[Place, int]:
        if not self._acquainted:
            # A client that knows no leaders yet was seen to ask for them in vain, for as long as it may.
            await asyncio.to_thread(self._admin.list_topics, timeout=ANSWERS_WITHIN)
            self._acquainted = True
        asked = {TopicPartition(*place): Spec.latest() for place in wanted}  # type: ignore[no-untyped-call]
        answers = self._admin.list_offsets(
            asked, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=ANSWERS_WITHIN
        )
        found = await asyncio.gather(*(asyncio.wrap_future(each) for each in answers.values()))
        return {(at.topic, at.partition): each.offset for at, each in zip(answers, found, strict=True)}

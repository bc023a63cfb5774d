"""The end offsets of partitions, for many callers at once: what was committed before a call lies before its
end."""

import asyncio
from collections.abc import Iterable

from confluent_kafka import IsolationLevel

from streams.kafka.clients import Connection
from streams.kafka.offsets import PartitionOffsets, Place

ANSWER_TIMEOUT = 5.0


class EndOffsets:
    """For one event loop. Callers that come during a request share the next one.

    `committed`: returns the last stable offsets, at which readers of committed records stop; otherwise the
    high watermarks, which include records of open transactions."""

    def __init__(self, connection: Connection, *, committed: bool = False) -> None:
        self._isolation = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        self._offsets = PartitionOffsets(connection, ANSWER_TIMEOUT)
        self._wanted: set[Place] = set()
        self._under_way: asyncio.Task[dict[Place, int]] | None = None
        self._next: asyncio.Task[dict[Place, int]] | None = None

    async def of(self, places: Iterable[Place]) -> dict[Place, int]:
        """The end of each partition at some moment after the call.

        Raises Retryable where the cluster does not answer in time.
        """
        wanted = list(places)
        self._wanted.update(wanted)
        if self._next is None:
            self._next = asyncio.create_task(self._round(self._under_way))
        found = await asyncio.shield(self._next)
        return {place: found[place] for place in wanted}

    async def _round(self, before: "asyncio.Task[dict[Place, int]] | None") -> dict[Place, int]:
        if before:
            await asyncio.wait([before])
        wanted, self._wanted = self._wanted, set()
        self._under_way, self._next = self._next, None
        return await asyncio.to_thread(self._offsets.ends, wanted, self._isolation)

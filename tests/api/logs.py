"""A control topic in memory: what is written is seen at once."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from api.auth.audit import AnnounceChange, ChangeLog, MakeValue
from api.process.topic_log import announce_nothing
from streams.codec.round_trip import encode_checked
from streams.domain.values import Value
from streams.errors import Retryable

V = TypeVar("V", bound=Value)


class LogInMemory(Generic[V]):
    """Reads by `find` and writes by `put`, unless told that Kafka is away."""

    def __init__(self, find: Callable[[str], V | None], put: Callable[[str, V | None], None]) -> None:
        self._find = find
        self._put = put
        self.away = False

    async def change(self, key: str, make: MakeValue[V], announce: AnnounceChange[V]) -> None:
        await self.current()
        before = self._find(key)
        after = make(before)
        if after == before:
            return
        if after is not None:
            encode_checked(after, key)
        await announce(before, after)
        self._put(key, after)

    async def current(self) -> None:
        if self.away:
            raise Retryable("the topic: not read")
        await asyncio.sleep(0)


async def put(log: ChangeLog[V], key: str, value: V | None) -> None:
    """Whatever there is, and unknown to any audit."""
    await log.change(key, lambda _: value, announce_nothing)

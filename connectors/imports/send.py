"""Commands to their topics, many at a time; the one part of imports that is not pure."""

import asyncio
from collections.abc import Callable, Sequence

from connectors.imports.kind import ReadyCommand
from streams.domain.messages import AddressedCommand
from streams.kafka.clients import Connection
from streams.kafka.producer import Place, RecordAppender
from streams.stages.commands import owner_of
from streams.stages.identity import request_key
from streams.topics import COMMANDS, IDENTITY_REQUESTS, Topic

MAX_IN_FLIGHT = 1000
OnSent = Callable[[Topic, int, int], None]
"""Called with where each command stands, once all replicas have it."""


async def send_commands(connection: Connection, ready: Sequence[ReadyCommand], sent: OnSent) -> None:
    """All in their order. Raises Retryable; some were sent then, and may be sent again."""
    appender = RecordAppender(connection)
    try:
        for start in range(0, len(ready), MAX_IN_FLIGHT):
            some = ready[start : start + MAX_IN_FLIGHT]
            for one, place in zip(some, await _all(appender, some), strict=True):
                sent(_where(one)[0], *place)
    finally:
        await appender.close()


async def _all(appender: RecordAppender, some: Sequence[ReadyCommand]) -> list[Place]:
    # Tasks begin in their order: so does what stands in the producer's queue.
    return await asyncio.gather(*(appender.append(*_where(one), one.record) for one in some))


def _where(one: ReadyCommand) -> tuple[Topic, str]:
    record = one.record
    if isinstance(record, AddressedCommand):
        return IDENTITY_REQUESTS, request_key(record)
    return COMMANDS, owner_of(record.store, record.member_id)

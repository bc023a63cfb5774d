"""Sends commands to their topics. The only module of imports that is not pure."""

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
"""Called with topic, partition and offset of each command, once all replicas have it."""


async def send_commands(connection: Connection, ready: Sequence[ReadyCommand], sent: OnSent) -> None:
    """Sends all commands in order. Raises Retryable; some may have been sent then, and may be sent again."""
    appender = RecordAppender(connection)
    try:
        for start in range(0, len(ready), MAX_IN_FLIGHT):
            some = ready[start : start + MAX_IN_FLIGHT]
            for one, place in zip(some, await _send_together(appender, some), strict=True):
                sent(_topic_and_key(one)[0], *place)
    finally:
        await appender.close()


async def _send_together(appender: RecordAppender, some: Sequence[ReadyCommand]) -> list[Place]:
    # Tasks start in order, so the records enter the producer's queue in order.
    return await asyncio.gather(*(appender.append(*_topic_and_key(one), one.record) for one in some))


def _topic_and_key(one: ReadyCommand) -> tuple[Topic, str]:
    record = one.record
    if isinstance(record, AddressedCommand):
        return IDENTITY_REQUESTS, request_key(record)
    return COMMANDS, owner_of(record.store, record.member_id)

"""Appends single records from an event loop; each call returns once all replicas have the record."""

import asyncio
import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import NoReturn

from confluent_kafka import KafkaError, KafkaException, Message

from streams.codec import avro
from streams.codec.round_trip import encode_checked
from streams.domain.values import Value
from streams.errors import Retryable
from streams.kafka.clients import Connection
from streams.topics import Topic

Place = tuple[int, int]
"""Partition and offset."""

_NONE: Mapping[str, bytes] = MappingProxyType({})
DELIVERY_TIMEOUT_MS = 10_000
FLUSH_TIMEOUT = 15.0


class RecordAppender:
    """An idempotent producer for one process. To be made inside a running event loop."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._producer = connection.open_producer(
            **{"delivery.timeout.ms": DELIVERY_TIMEOUT_MS, "linger.ms": 0}
        )
        self._loop = asyncio.get_running_loop()
        self._broken: asyncio.Future[NoReturn] = self._loop.create_future()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="appender", daemon=True)
        self._thread.start()

    async def append(
        self, topic: Topic, key: str, value: Value | None, more: Mapping[str, bytes] = _NONE
    ) -> Place:
        """Returns the record's position once all replicas have it. None as a value is a tombstone; `more` are
        further headers.

        Raises Rejected when the record could not be read back. Raises Retryable when it is not known whether
        it was written: repeating the call must be safe.
        """
        data, header = (None, None) if value is None else encode_checked(value)
        place: asyncio.Future[Place] = self._loop.create_future()
        try:
            self._producer.produce(
                self._connection.topic(topic),
                value=data,
                key=key.encode(),
                headers={avro.HEADER: header.encode(), **more} if header else None,
                on_delivery=lambda error, message: self._report(place, error, message),
            )
        except (BufferError, KafkaException) as error:
            raise Retryable(f"{topic.name}: the record was not accepted: {error}") from None
        return await place

    async def failed(self) -> NoReturn:
        """Never returns; raises Retryable after a fatal error, when the process must be started again."""
        await asyncio.shield(self._broken)
        raise AssertionError("the future has no result, only an exception")

    async def close(self) -> None:
        """Flushes pending records for at most FLUSH_TIMEOUT seconds. Call `append` no more afterwards."""
        await asyncio.to_thread(self._producer.flush, FLUSH_TIMEOUT)
        self._closing.set()
        await asyncio.to_thread(self._thread.join)
        self._broken.cancel()

    def _serve(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(0.1)

    def _report(self, place: "asyncio.Future[Place]", error: KafkaError | None, message: Message) -> None:
        """Called on the polling thread: the loop hears of it at once, whatever it is doing."""
        self._loop.call_soon_threadsafe(self._settle, place, error, message)

    def _settle(self, place: "asyncio.Future[Place]", error: KafkaError | None, message: Message) -> None:
        if error is not None and error.fatal() and not self._broken.done():
            self._broken.set_exception(Retryable(f"the producer cannot go on: {error.str()}"))
        if place.done():
            return  # whoever waited has given up
        if error is not None:
            place.set_exception(Retryable(f"{message.topic()}: not written: {error.str()} ({error.name()})"))
            return
        partition, offset = message.partition(), message.offset()
        assert partition is not None and offset is not None, "a delivered record has a place"  # noqa: S101, PT018
        place.set_result((partition, offset))

"""What a connection is given before a request is there: some time, some bytes, and a place among so many.

uvicorn waits for a request's first line and headers without end, and counts no connection that has sent none:
1,500 half-open ones would stay. Whoever has begun nothing yet makes room for whoever comes.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_TIMEOUT = 10.0
"""Seconds from a connection, or from a request's first byte, to the end of the request's headers."""
MAX_HEADER_BYTES = 16 << 10
"""Bytes of a request's first line and headers."""
MAX_CONNECTIONS = 1000
KEEP_ALIVE_SECONDS = 5
"""Seconds for which a connection may rest between two requests."""


class BoundedProtocol(H11Protocol):
    """uvicorn's own protocol, which ends connections that bring no request in time."""

    most = MAX_CONNECTIONS
    within = HEADERS_TIMEOUT
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_request()
        if len(self.connections) > self.most:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._cancel()
        elif self._deadline is None:
            # The beginning of a further request on the same connection.
            self._await_request()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        super().connection_lost(exc)

    def _await_request(self) -> None:
        self._cancel()
        self._deadline = self.loop.call_later(self.within, self._late)

    def _cancel(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.abort()

    def _make_room(self) -> None:
        """Ends the connection that has waited longest for its request; where none does, this one."""
        waiting = [each for each in self.connections if isinstance(each, BoundedProtocol) and each._deadline]
        longest: Any = min(waiting, key=lambda each: each.due, default=self)
        longest._late()

    @property
    def due(self) -> float:
        return self._deadline.when() if self._deadline else float("inf")

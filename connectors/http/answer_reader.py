"""Reads answers off a connection: aiohttp's protocol, with a status that outlives what cannot be read.

Its parser is right to refuse a head with a broken field, two lengths, or a body behind a 204. But the
endpoint has said what became of the request before that: the status is what counts (RFC 9112, section 4).
"""

import re
from functools import partial
from typing import cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader

MAX_HEAD_BYTES = 65_536
"""Bytes before the final answer's body, all interim answers included."""
MAX_HEADERS = 1_000
_PIECE = 8_192
_STATUS = re.compile(rb"\s*HTTP/[0-9]+(?:\.[0-9]+)?[ \t]+([0-9]{3})(?![0-9])", re.IGNORECASE)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_SWITCHING = 101


class UnreadableAnswer(HttpProcessingError):
    """An answer whose status, in `code`, is all that could be read."""


class AnswerReader(ResponseHandler):
    """One connection. What comes without having been asked for closes it: in the pool, it would be taken for
    the answer to the next request."""

    _answered = False
    _head = b""

    def set_response_params(self, **params: object) -> None:
        """Called before each request."""
        self._answered, self._head = False, b""
        super().set_response_params(**params)  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        # In pieces: 256 KB may hold ten thousand interim answers, each of which becomes an object.
        for start in range(0, len(data) or 1, _PIECE):
            self._piece_received(data[start : start + _PIECE])
            if self.transport is None or self.transport.is_closing():
                return

    def _piece_received(self, data: bytes) -> None:
        # Empty: what the parser holds back is to go on.
        if self._answered and data and (self._payload is None or self._payload.is_eof()):
            self.abort()
            return
        if not self._answered:
            self._head += data
        super().data_received(data)
        if not self._answered and len(self._head) >= MAX_HEAD_BYTES and self.transport:
            self.transport.close()
            self.set_exception(HttpProcessingError(message="no end of its head"))

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        if self._answered:
            self.force_close()
        elif is_final(data[0].code):
            self._answered, self._head = True, b""
            super().feed_data(data, size)

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        status = status_of(self._head) if isinstance(exc, HttpProcessingError) else None
        if status is not None:
            exc = UnreadableAnswer(code=status, message="only its status could be read")
        super().set_exception(exc, exc_cause or exc)


def is_final(status: int) -> bool:
    """Whether nothing else follows for the same request (RFC 9110, section 15.2). We ask for no switching of
    protocols: who answers so has nothing else to say."""
    return status == _SWITCHING or not 100 <= status <= 199


def status_of(head: bytes) -> int | None:
    """The final status that the beginning of an answer tells, or None."""
    while found := _STATUS.match(head):
        status = int(found[1])
        if is_final(status):
            return status
        end = _BLANK_LINE.search(head, found.end())
        head = head[end.end() :] if end else b""
    return None


def use_answer_reader(connector: aiohttp.TCPConnector) -> aiohttp.TCPConnector:
    """The connector, with its connections read by AnswerReader."""
    # aiohttp has no public way to say so; tests of answers of any bytes fail where this one ends to work.
    connector._factory = cast("partial[ResponseHandler]", partial(AnswerReader, loop=connector._loop))
    return connector

"""aiohttp's response protocol, which keeps an answer's status even if the rest cannot be parsed.

aiohttp's parser refuses a head with a broken field, two lengths, or a body after a 204. The endpoint has
decided about the request by then, and the status line says how (RFC 9112, section 4).
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
"""Most bytes before the final answer's body, including all interim answers."""
MAX_HEADERS = 1_000
_PIECE = 8_192
_STATUS = re.compile(rb"\s*HTTP/[0-9]+(?:\.[0-9]+)?[ \t]+([0-9]{3})(?![0-9])", re.IGNORECASE)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_SWITCHING = 101


class UnreadableAnswer(HttpProcessingError):
    """An answer of which only the status, in `code`, could be read."""


class AnswerReader(ResponseHandler):
    """One connection. Bytes that come before a request close it: otherwise they would be taken for the answer
    to the next request of the pool."""

    _answered = False
    _head = b""

    def set_response_params(self, **params: object) -> None:
        """Called before each request."""
        self._answered, self._head = False, b""
        super().set_response_params(**params)  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        # Cut up, because 256 KB may hold ten thousand interim answers, each of which becomes an object.
        for start in range(0, len(data) or 1, _PIECE):
            self._piece_received(data[start : start + _PIECE])
            if self.transport is None or self.transport.is_closing():
                return

    def _piece_received(self, data: bytes) -> None:
        # Empty data makes the parser go on with what it holds back.
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
    """Whether this is the last status for the request (RFC 9110, section 15.2). 101 is final too: the sink
    never asks to switch protocols."""
    return status == _SWITCHING or not 100 <= status <= 199


def status_of(head: bytes) -> int | None:
    """The final status in the first bytes of an answer, or None if they hold none."""
    while found := _STATUS.match(head):
        status = int(found[1])
        if is_final(status):
            return status
        end = _BLANK_LINE.search(head, found.end())
        head = head[end.end() :] if end else b""
    return None


def use_answer_reader(connector: aiohttp.TCPConnector) -> aiohttp.TCPConnector:
    """Makes the connector's connections read answers by `AnswerReader`."""
    # aiohttp has no public API for this. Tests that answer with random bytes fail if a release breaks it.
    connector._factory = cast("partial[ResponseHandler]", partial(AnswerReader, loop=connector._loop))
    return connector

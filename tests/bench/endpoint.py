"""`python -m tests.bench.endpoint FILE`: an endpoint that costs next to nothing, and notes when what came.

A body's `sent` says when its delivery was appended. It leaves a line for each POST in FILE:
the path, when it was appended, when it came.
"""

import asyncio
import re
import signal
import sys
import time
from pathlib import Path

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_SENT = re.compile(rb'"sent": ?([0-9.]+)')
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Endpoint(asyncio.Protocol):
    """One connection: a POST after the other, each answered after the delay that its path names, in ms."""

    def __init__(self, notes: list[tuple[str, float, float]], loop: asyncio.AbstractEventLoop) -> None:
        self._notes, self._loop = notes, loop
        self._unread = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._unread += data
        head, found, body = self._unread.partition(b"\r\n\r\n")
        length = _LENGTH.search(head) if found else None
        if length and len(body) >= int(length[1]):
            self._unread = body[int(length[1]) :]
            self._came(head.split(b" ", 2)[1].decode(), body)

    def _came(self, path: str, body: bytes) -> None:
        sent = _SENT.search(body)
        self._notes.append((path, float(sent[1]) if sent else 0.0, time.time()))
        delay = int(path.rpartition("/")[2]) / 1000
        if delay:
            self._loop.call_later(delay, self._answer)
        else:
            self._answer()

    def _answer(self) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(_ANSWER)


async def _serve(file: Path) -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    notes: list[tuple[str, float, float]] = []
    server = await loop.create_server(lambda: Endpoint(notes, loop), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    written = 0
    with file.open("w") as out:
        while not over.is_set():
            await asyncio.wait([asyncio.ensure_future(over.wait())], timeout=0.1)
            out.writelines(f"{path} {sent} {came}\n" for path, sent, came in notes[written:])
            out.flush()
            written = len(notes)


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))

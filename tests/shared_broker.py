"""One real broker for the whole run, also where pytest-xdist spreads the run over several processes.

    SharedBroker         the broker, started by whoever asks first
    BrokerService        hands its address to the workers of pytest-xdist, through a port of 127.0.0.1
    ask_for_broker       a worker's question

The process that spreads the tests has the service. It lives longer than every worker, so no worker that ends
or crashes takes the broker from the others.
"""

import json
import socket
import socketserver
import threading
from pathlib import Path
from tempfile import mkdtemp

from streams.errors import Misconfigured, Retryable
from streams.local_broker import LocalBroker

ANSWERS_WITHIN = 300.0
"""Seconds for a broker's start, its jars' download included."""


class SharedBroker:
    """A local broker that starts at the first request for its address, and is kept in a temporary folder."""

    def __init__(self, libraries: Path) -> None:
        self._libraries = libraries
        self._lock = threading.Lock()
        self._broker: LocalBroker | None = None

    def bootstrap_servers(self) -> str:
        """Raises Misconfigured, Retryable."""
        with self._lock:
            if self._broker is None:
                self._broker = LocalBroker(Path(mkdtemp(prefix="loyalty-broker-")), libraries=self._libraries)
            return self._broker.start()

    def stop(self) -> None:
        with self._lock:
            if self._broker:
                self._broker.stop()


class BrokerService:
    """Answers every connection with one line of JSON: the broker's `address`, or the `error` of its start."""

    def __init__(self, libraries: Path) -> None:
        self._broker = broker = SharedBroker(libraries)

        class Answer(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                try:
                    answer = {"address": broker.bootstrap_servers()}
                except (Misconfigured, Retryable) as error:
                    answer = {"error": str(error)}
                self.wfile.write(json.dumps(answer).encode())

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=self._server.serve_forever, name="shared broker", daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stops the broker, if anybody asked for it."""
        self._server.shutdown()
        self._server.server_close()
        self._broker.stop()


def ask_for_broker(port: int) -> str:
    """The broker's bootstrap servers, from the service that listens on `port`. Raises Retryable."""
    with socket.create_connection(("127.0.0.1", port), ANSWERS_WITHIN) as connection:
        answer = json.loads(connection.makefile("rb").read())
    if "error" in answer:
        raise Retryable(answer["error"])
    return str(answer["address"])

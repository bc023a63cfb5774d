"""Serves a process's metrics and probes over HTTP, from a thread of its own: a frozen event loop is seen.

Paths: /metrics, /livez, /readyz, /startupz. Nothing else is served, and nothing listens unless the settings
say where.
"""

import asyncio
import json
import logging
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mode import Service
from prometheus_client import CONTENT_TYPE_LATEST

from streams.errors import Misconfigured
from streams.kafka.clients import Connection
from streams.runtime.metrics import Metrics
from streams.runtime.probes import BrokerPulse, Probes, probe_body
from streams.runtime.services import QuietService
from streams.settings import Settings, variable_name

LOG = logging.getLogger(__name__)
REQUEST_TIMEOUT = 5.0
BEAT_INTERVAL = 1.0


class MonitoringServer:
    """Raises Misconfigured where no port of the settings is free."""

    def __init__(self, metrics: Metrics, probes: Probes, settings: Settings) -> None:
        self._server = _open_server(_make_handler(metrics, probes), settings)
        metrics.is_served = True
        host, port = self._server.server_address[:2]
        self.address = f"http://{_bracket(str(host))}:{port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, name="monitoring", daemon=True
        )
        self._thread.start()
        LOG.info("metrics and probes are at %s", self.address)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Monitoring(QuietService):
    """Keeps the server and Kafka's pulse up while the app runs."""

    def __init__(
        self, connection: Connection, metrics: Metrics, probes: Probes, settings: Settings, **service: Any
    ) -> None:
        super().__init__(**service)
        self._metrics, self._probes, self._settings = metrics, probes, settings
        self._pulse = BrokerPulse(connection)
        self._server: MonitoringServer | None = None

    async def on_start(self) -> None:
        self._server = MonitoringServer(self._metrics, self._probes, self._settings)
        self._probes.add_check(self._pulse.check)
        self._pulse.start()

    @Service.task
    async def _beat(self) -> None:
        while not self.should_stop:
            self._probes.beat()
            await asyncio.sleep(BEAT_INTERVAL)

    async def on_stop(self) -> None:
        self._pulse.stop()
        if self._server:
            await asyncio.to_thread(self._server.close)


def _open_server(handler: type[BaseHTTPRequestHandler], settings: Settings) -> ThreadingHTTPServer:
    host, trouble = settings.metrics_host, None
    for port in settings.metrics_ports:
        try:
            return (_SixServer if ":" in host else _Server)((host, port), handler)
        except OSError as error:
            trouble = error.strerror
    where = f"{variable_name('metrics_port')}={settings.metrics_port}"
    if host != "127.0.0.1":
        where = f"{variable_name('metrics_host')}={host!r}, {where}"
    raise Misconfigured(f"{where}: cannot listen there: {trouble}")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        # The base asks a name server for the host's name.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "monitoring", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None: ...


class _SixServer(_Server):
    address_family = socket.AF_INET6


def _bracket(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _make_handler(metrics: Metrics, probes: Probes) -> type[BaseHTTPRequestHandler]:
    reasons = {"/livez": probes.liveness, "/readyz": probes.readiness, "/startupz": probes.startup}

    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_TIMEOUT
        server_version, sys_version = "loyalty", ""

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, metrics.render())
            elif path in reasons:
                waits = reasons[path]()
                status = HTTPStatus.SERVICE_UNAVAILABLE if waits else HTTPStatus.OK
                self._answer(status, "application/json", json.dumps(probe_body(waits)).encode())
            else:
                paths = " ".join(["/metrics", *reasons]).encode()
                self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"Here are: " + paths)

        def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    return Handler

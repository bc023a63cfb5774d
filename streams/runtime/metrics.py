"""This module holds the Prometheus metrics of a process and serves them on a port."""

import asyncio
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from streams.errors import Misconfigured
from streams.runtime.services import QuietService
from streams.settings import variable_name

HOST = "127.0.0.1"


class Metrics:
    """The gauges of one process, in a registry of their own. Labels: source topic and partition."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.restore_left = self._gauge(
            "loyalty_restore_records_left", "Changelog records to be read before the partition is served."
        )
        self.lag = self._gauge("loyalty_lag_records", "Records of the partition that are not handled yet.")

        self.set_aside = Counter(
            "loyalty_state_set_aside",
            "Folders of state that were damaged or wrong, and are made again from Kafka.",
            ["source", "partition"],
            registry=self.registry,
        )
        self.aside = Gauge(
            "loyalty_control_records_set_aside",
            "Control records that cannot be worked with: see `loyalty doctor`.",
            ["topic"],
            registry=self.registry,
        )

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(name, meaning, ["source", "partition"], registry=self.registry)


class Exporter(QuietService):
    """Serves the metrics over HTTP while the app runs. Raises Misconfigured where the port is taken."""

    def __init__(self, metrics: Metrics, port: int, **service: Any) -> None:
        super().__init__(**service)
        self._metrics = metrics
        self._port = port

    async def on_start(self) -> None:
        try:
            self._server, self._thread = start_http_server(self._port, HOST, self._metrics.registry)
        except OSError as error:
            where = f"{variable_name('metrics_port')}={self._port}"
            raise Misconfigured(f"{where}: cannot listen there: {error.strerror}") from None

    async def on_stop(self) -> None:
        await asyncio.to_thread(self._server.shutdown)
        self._server.server_close()
        self._thread.join()

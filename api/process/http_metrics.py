"""What the API tells Prometheus: requests by route, replays by state. docs/metrics.md lists all."""

import time
from collections import Counter as Tally

from prometheus_client import Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.delivery.replay_jobs import REPLAY_STATES, ReplayJobs
from streams.runtime.metrics import Metrics

DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Seconds."""
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
NO_ROUTE = "none"
"""The route of a request that none serves: a path that a client chose is no label."""


class HttpMetrics:
    """The API's metrics, in the registry of its process."""

    def __init__(self, metrics: Metrics) -> None:
        registry = metrics.registry
        self.requests = Counter(
            "loyalty_http_requests",
            "Requests answered by the API and the panel.",
            ["method", "route", "status"],
            registry=registry,
        )
        self.duration = Histogram(
            "loyalty_http_request_seconds",
            "From a request's head to the end of its answer.",
            ["method", "route"],
            registry=registry,
            buckets=DURATION_BUCKETS,
        )
        self.in_progress = Gauge(
            "loyalty_http_requests_in_progress", "Requests under way.", registry=registry
        )
        self.replays = Gauge("loyalty_replay_jobs", "Replays by state.", ["state"], registry=registry)

    def refresh_replays(self, jobs: ReplayJobs) -> None:
        """Sets the gauge of the replays."""
        states = Tally(job.state for job in (*jobs.open(), *jobs.ended()))
        for state in REPLAY_STATES:
            self.replays.labels(state).set(states[state])


class RequestMeter:
    """Measures each request of an ASGI application."""

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._metrics.in_progress.track_inprogress():
            try:
                await self._app(scope, receive, note_status)
            finally:
                method = scope["method"] if scope["method"] in METHODS else "other"
                route = route_of(scope)
                self._metrics.requests.labels(method, route, str(status)).inc()
                self._metrics.duration.labels(method, route).observe(time.perf_counter() - began)


def route_of(scope: Scope) -> str:
    """The template of the path, such as /api/{storeCode}/member; NO_ROUTE where no route matched."""
    path = getattr(scope.get("route"), "path", None)
    if path is None:
        return NO_ROUTE
    # What is mounted knows its path below the mount only.
    return (
        "/panel" + path
        if scope.get("app_root_path") != scope.get("root_path") and not path.startswith("/panel")
        else str(path)
    )

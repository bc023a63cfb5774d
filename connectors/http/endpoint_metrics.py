"""What the sink tells Prometheus of attempts and endpoints: docs/metrics.md."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable
from datetime import datetime

from prometheus_client import Counter, Gauge, Histogram

from connectors.http.endpoint import Endpoint
from connectors.http.endpoint_health import EndpointPolicy, condition
from connectors.http.retry_policy import SentAttempt, Settlement
from streams.delivery.records import EndpointCondition
from streams.runtime.metrics import LATENCY_BUCKETS, LabelSlots, Metrics

DURATION_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Seconds."""
STATES: tuple[EndpointCondition, ...] = ("working", "failing", "disabled")


class EndpointMetrics:
    """The label `subscription` has `most` values at most: see `LabelSlots`."""

    def __init__(self, metrics: Metrics, most: int) -> None:
        registry = metrics.registry
        self.attempts = Counter(
            "loyalty_sink_attempts",
            "Attempts, by outcome: delivered, retry, held or dead.",
            ["subscription", "outcome"],
            registry=registry,
        )
        self.duration = Histogram(
            "loyalty_sink_attempt_seconds",
            "Duration of an attempt, connect to last byte.",
            ["subscription"],
            registry=registry,
            buckets=DURATION_BUCKETS,
        )
        self.latency = Histogram(
            "loyalty_sink_first_attempt_latency_seconds",
            "From a webhook event to the start of its first attempt; replays aside.",
            registry=registry,
            buckets=LATENCY_BUCKETS,
        )
        self.states = Gauge(
            "loyalty_sink_endpoints",
            "Endpoints of this process with anything to send, by state: " + ", ".join(STATES) + ".",
            ["state"],
            registry=registry,
        )
        self.breakers = Gauge(
            "loyalty_sink_breakers_open", "Endpoints that get only probes now.", registry=registry
        )
        self.in_progress = Gauge(
            "loyalty_sink_requests_in_progress", "Requests under way.", registry=registry
        )
        self.failing_since = Gauge(
            "loyalty_sink_failing_since_timestamp_seconds",
            "Since when an endpoint has only failed, Unix time; no series while it works.",
            ["subscription"],
            registry=registry,
        )
        self._slots = LabelSlots(most, self._release)

    def observe_attempt(self, sent: SentAttempt, settlement: Settlement) -> None:
        """Counts a finished attempt."""
        attempt, delivery = settlement.attempt, sent.pending.delivery
        label = self._slots.label(delivery.subscription_id)
        self.attempts.labels(label, attempt.outcome).inc()
        self.duration.labels(label).observe(attempt.duration_ms / 1000)
        if attempt.number == 1 and delivery.replay is None:
            waited = (sent.started_at - delivery.created_at).total_seconds()
            self.latency.observe(max(0.0, waited))

    def refresh(
        self,
        endpoints: Iterable[Endpoint],
        policy: EndpointPolicy,
        now: Callable[[], datetime],
    ) -> None:
        """Sets the gauges from the endpoints in memory."""
        found, moment = list(endpoints), now()
        states = Tally(condition(endpoint.health, policy) for endpoint in found)
        for state in STATES:
            self.states.labels(state).set(states[state])
        opened = (endpoint.health.open_until for endpoint in found)
        self.breakers.set(sum(until is not None and until > moment for until in opened))
        self.in_progress.set(sum(len(endpoint.under_way) for endpoint in found))
        self.failing_since.clear()
        shown = set(self._slots.values())
        for endpoint in found:
            since = endpoint.health.failing_since
            if since is not None and endpoint.subscription_id in shown:
                self.failing_since.labels(endpoint.subscription_id).set(since.timestamp())

    def _release(self, subscription_id: str) -> None:
        self.attempts.remove_by_labels({"subscription": subscription_id})
        self.duration.remove_by_labels({"subscription": subscription_id})

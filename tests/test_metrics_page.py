"""docs/metrics.md lists every metric of every process; dashboards and alerts name only what is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from api.process.http_metrics import HttpMetrics
from connectors.http.endpoint_metrics import EndpointMetrics
from streams.runtime.metrics import Metrics

PAGE = (Path(__file__).parents[1] / "docs" / "metrics.md").read_text()


def families() -> dict[str, MetricWrapperBase]:
    """The metrics of worker, sink and API, by the name under which Prometheus stores them."""
    metrics = Metrics("test")
    EndpointMetrics(metrics, 1)
    HttpMetrics(metrics)
    return dict(registered(metrics.registry))


def registered(registry: CollectorRegistry) -> Iterator[tuple[str, MetricWrapperBase]]:
    for collector in list(registry._collector_to_names):
        if isinstance(collector, MetricWrapperBase):
            total = "_total" if collector._type == "counter" else ""
            yield collector._name + total, collector


def row(name: str, metric: MetricWrapperBase) -> str:
    labels = ", ".join(f"`{label}`" for label in metric._labelnames) or "–"
    return f"| `{name}` | {metric._type} | {labels} | {metric._documentation} |"


def test_the_page_lists_every_metric_with_its_type_its_labels_and_its_meaning() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `loyalty_")]

    assert sorted(rows) == sorted(row(name, metric) for name, metric in families().items())


@pytest.mark.parametrize("name", families())
def test_a_name_follows_the_conventions_of_prometheus(name: str) -> None:
    kind = families()[name]._type

    assert re.fullmatch(r"loyalty(_[a-z]+)+", name)
    assert name.endswith("_total") == (kind == "counter")
    # Base units only.
    assert not re.search(r"_(ms|milliseconds|minutes|kb|mb|percent)(_|$)", name)

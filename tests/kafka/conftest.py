"""One real broker for the whole suite, and topics of its own for each test."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.kafka.broker import LocalBroker
from streams.settings import Settings, default_home

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.kafka)


@pytest.fixture(scope="session")
def libraries() -> Path:
    """Kafka's jars, where the user's own broker keeps them: fetched once a machine, not once a run."""
    home = Path(os.environ.get("LOYALTY_HOME") or default_home())
    return home / "broker" / "libs-4.4.0"


@pytest.fixture(scope="session")
def bootstrap_servers(tmp_path_factory: pytest.TempPathFactory, libraries: Path) -> Iterator[str]:
    """KAFKA_BOOTSTRAP_SERVERS, or a broker that lives as long as the suite."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        yield given
        return
    with LocalBroker(tmp_path_factory.mktemp("broker"), libraries=libraries) as broker:
        yield broker.bootstrap_servers


@pytest.fixture
def settings(bootstrap_servers: str, tmp_path: Path) -> Settings:
    """No test sees another one's topics, groups or state."""
    return Settings(
        bootstrap_servers=bootstrap_servers,
        topic_prefix=f"t-{uuid.uuid4().hex[:8]}.",
        home=tmp_path,
        partitions=3,
    )

"""Topics of its own for each test."""

import uuid
from pathlib import Path

import pytest

from streams.settings import Settings

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.kafka)


@pytest.fixture
def settings(bootstrap_servers: str, tmp_path: Path) -> Settings:
    """No test sees another one's topics, groups or state."""
    return Settings(
        bootstrap_servers=bootstrap_servers,
        topic_prefix=f"t-{uuid.uuid4().hex[:8]}.",
        home=tmp_path,
        partitions=3,
    )

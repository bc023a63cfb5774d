"""One real broker for the whole suite.

How hard hypothesis tries: a little by default, long under HYPOTHESIS_PROFILE=soak. And Ctrl-C works.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from streams.local_broker import LocalBroker
from streams.settings import default_home

# The machine is shared with a broker at times: a slow example is no failure.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", _PATIENT, max_examples=25, stateful_step_count=30)
settings.register_profile("soak", _PATIENT, max_examples=1_000, stateful_step_count=100)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_configure() -> None:
    # A shell that starts the suite in its background lets it ignore Ctrl-C, and so all that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


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

"""One real broker for the whole suite.

How hard hypothesis tries: a little by default, long under HYPOTHESIS_PROFILE=soak. And Ctrl-C works.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from streams.codec.avro import released_schemas
from streams.settings import default_home
from streams.webhooks.catalogue import CATALOGUE
from streams.webhooks.derivation import DERIVATION_RULES
from streams.webhooks.names import LEGACY_TYPES
from tests.shared_broker import BrokerService, SharedBroker, ask_for_broker

BROKER_PORT = "broker_port"
SERVICE = pytest.StashKey[BrokerService | None]()
# Tests that wait much, in the order in which pytest-xdist hands them out.
FIRST = ("crash", "browser", "kafka")

TOGETHER = {
    "own brokers": {
        "crash",
        "test_broker.py",
        "test_demo.py",
        "test_fencing.py",
        "test_restore_on_three.py",
        "test_silent_broker.py",
        "test_three_brokers.py",
    },
    "browser": {"browser"},
}

# The machine is shared with a broker at times: a slow example is no failure.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", _PATIENT, max_examples=25, stateful_step_count=30)
settings.register_profile("soak", _PATIENT, max_examples=1_000, stateful_step_count=100)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="module", autouse=True)
def registries() -> Iterator[None]:
    """A webhook or schema that a module's tests add is gone after them: others run in the same process."""
    before = _registered()
    yield
    assert _registered() == before


def _registered() -> tuple[set[str], set[str], dict[str, str], int]:
    rules = sum(len(each) for each in DERIVATION_RULES.values())
    return set(released_schemas()), set(CATALOGUE), dict(LEGACY_TYPES), rules


def pytest_configure() -> None:
    # A shell that starts the suite in its background lets it ignore Ctrl-C, and so all that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """In the process that spreads the tests, for each worker: where to ask for the broker."""
    service = node.config.stash.setdefault(SERVICE, None) or BrokerService(kafka_jars())
    node.config.stash[SERVICE] = service
    node.workerinput[BROKER_PORT] = service.port


def pytest_unconfigure(config: pytest.Config) -> None:
    service = config.stash.get(SERVICE, None)
    if service:
        service.close()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hands out a group of tests at a time.

    Not with pytest-xdist's own marks: it writes them into ids, where pytest 9.2 does not read them.
    """
    # Without pytest-xdist there is nobody to hand anything out.
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415

    class Groups(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return Groups(config, log)


def group_of(nodeid: str) -> str:
    """The tests of a group run in one process, one after the other.

    A file is a group, so that its fixtures are made once. What starts brokers or demos of its own is one:
    they take the same ports.
    """
    path, _, _ = nodeid.partition("::")
    parts = {*path.split("/")}
    if "test_seeds.py" in parts:
        # Its chunks share nothing and take long.
        return nodeid
    return next((name for name, places in TOGETHER.items() if places & parts), path)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no process is left with them at the end."""
    items.sort(key=_place_in_run)


def _place_in_run(item: pytest.Item) -> int:
    return next((place for place, folder in enumerate(FIRST) if folder in item.path.parts), len(FIRST))


@pytest.fixture(scope="session")
def libraries() -> Path:
    return kafka_jars()


def kafka_jars() -> Path:
    """Where the user's own broker keeps Kafka's jars: fetched once a machine, not once a run."""
    home = Path(os.environ.get("LOYALTY_HOME") or default_home())
    return home / "broker" / "libs-4.4.0"


@pytest.fixture(scope="session")
def bootstrap_servers(pytestconfig: pytest.Config, libraries: Path) -> Iterator[str]:
    """KAFKA_BOOTSTRAP_SERVERS, or one broker for the whole run, whose processes share it."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    worker = getattr(pytestconfig, "workerinput", None)
    if given:
        yield given
    elif worker is not None:
        yield ask_for_broker(worker[BROKER_PORT])
    else:
        broker = SharedBroker(libraries)
        yield broker.bootstrap_servers()
        broker.stop()

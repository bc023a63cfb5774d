"""What all processes share: settings, logging, the cluster's topics, and an orderly end."""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.cli.lines import OneLine
from streams.errors import LoyaltyError, Misconfigured, Retryable
from streams.kafka.clients import Connection, connection
from streams.kafka.topic_admin import create_topics
from streams.local_broker import detached
from streams.runtime.state_versions import at_state_version
from streams.settings import Settings, load_settings, variable_name
from streams.topics import GENERATIONS

CRASHED = 1
# Faust and mode log their starts and stops, and the traceback of a crash that is reported in one line.
_TALKATIVE = ("faust", "mode", "aiokafka", "asyncio")


@contextmanager
def process(role: str) -> Iterator[tuple[Settings, Connection]]:
    """Yields the settings, and the connection to a cluster whose topics exist. If the cluster does not
    answer, the process ends with one line and exit code 1. So it does after an unexpected error, whose
    traceback is in the file that the line names."""
    set_up_logging(role)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    settings = load_settings()
    try:
        cluster = connection(settings, _servers(settings))
        # Created first: a missing topic looks like one that the broker does not know yet.
        create_topics(cluster, settings, (GENERATIONS,))
        cluster = at_state_version(cluster)
        create_topics(cluster, settings)
        yield settings, cluster
    except Retryable as error:
        # Not the operator's mistake, so a supervisor may start the process again.
        logging.getLogger(role).critical("ends: %s", error)
        raise SystemExit(CRASHED) from None
    except LoyaltyError:
        raise
    except Exception as error:  # noqa: BLE001 - the process ends, and says why
        where = _write_traceback(settings.home / "logs" / f"{role}-crash.log", traceback.format_exc())
        logging.getLogger(role).critical("ends: %s: %s (stack %s)", type(error).__name__, error, where)
        raise SystemExit(CRASHED) from None


def _write_traceback(file: Path, stack: str) -> str:
    """Writes the traceback to a file. Returns where it is, in words."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(stack)
    except OSError as error:
        return f"not kept: {error}"
    return f"in {file}"


def set_up_logging(name: str) -> None:
    """Logs lines to standard error, each with the name of the process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine(f"%(asctime)s %(levelname)-7s {name}: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def is_cluster_known() -> bool:
    """Whether a cluster is configured or a local broker runs."""
    settings = load_settings()
    return bool(settings.bootstrap_servers) or detached.running(settings.home) is not None


def _servers(settings: Settings) -> str:
    if settings.bootstrap_servers:
        return settings.bootstrap_servers
    local = detached.running(settings.home)
    if local is None and (silent := detached.is_silent(settings.home)):
        raise Retryable(
            f"the local broker (pid {silent.pid}, {silent.bootstrap}) runs and does not answer; where that "
            "goes on, `loyalty broker stop` ends it at any price"
        )
    if local is None:
        raise Misconfigured(
            f"There is no Kafka to work with: set {variable_name('bootstrap_servers')}=host:port of your "
            "cluster, or start a local broker with `loyalty broker start`"
        )
    return local.bootstrap

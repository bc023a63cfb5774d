"""What all processes share: settings, logging, the cluster's topics, and an orderly end."""

import logging
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.cli import failures
from api.cli.cluster_choice import describe_others, locate_cluster
from api.cli.lines import OneLine
from api.cli.system_notes import describe_process, publish_note
from streams.errors import LoyaltyError, Retryable
from streams.kafka.clients import Connection, connection
from streams.kafka.topic_admin import create_topics, find_prefixes
from streams.runtime.state_versions import at_state_version
from streams.settings import Settings, load_settings
from streams.topics import GENERATIONS

CRASHED = 1
# Faust and mode log their starts and stops, and the traceback of a crash that is reported in one line.
_TALKATIVE = ("faust", "mode", "aiokafka", "asyncio")
PASSING_TROUBLE = re.compile(r"Failed to acquire (?:idempotence|transactional) PID .*retrying")


@contextmanager
def process(role: str, *, serves: bool = False) -> Iterator[tuple[Settings, Connection]]:
    """Yields the settings, and the connection to a cluster whose topics exist.

    `serves`: whether the process stays up, as worker, sink and API do. See `api.cli.cluster_choice`. If the
    cluster does not answer, the process ends with one line and exit code 1. So it does after an unexpected
    error, whose traceback is in the file that the line names.
    """
    set_up_logging(role)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    settings = load_settings()
    try:
        settings = locate_cluster(settings, serves=serves)
        yield settings, _open_topics(settings, tell=not serves)
    except Retryable as error:
        # Not the operator's mistake, so a supervisor may start the process again.
        if serves:
            logging.getLogger(role).critical("ends: %s", error)
        else:
            failures.print_error(error)
        raise SystemExit(CRASHED) from None
    except LoyaltyError:
        raise
    except Exception as error:  # noqa: BLE001 - the process ends, and says why
        where = _write_traceback(settings.home / "logs" / f"{role}-crash.log", traceback.format_exc())
        logging.getLogger(role).critical("ends: %s: %s (stack %s)", type(error).__name__, error, where)
        raise SystemExit(CRASHED) from None


def _open_topics(settings: Settings, *, tell: bool) -> Connection:
    """The connection to a cluster that has all topics. `tell`: whether to say that none of them was there,
    because a wrong prefix looks like an empty system."""
    cluster = connection(settings, settings.bootstrap_servers or "")
    # Created first: a missing topic looks like one that the broker does not know yet.
    created = create_topics(cluster, settings, (GENERATIONS,))
    if created and tell:
        failures.print_note(_describe_new_system(cluster, find_prefixes(cluster)))
    cluster = at_state_version(cluster)
    create_topics(cluster, settings)
    return cluster


def _describe_new_system(cluster: Connection, prefixes: list[str]) -> str:
    return (
        f"{cluster.bootstrap_servers} had no topics with the prefix {cluster.prefix!r}, so this command "
        f"has made them, empty.{describe_others(prefixes, cluster.prefix)}"
    )


@contextmanager
def noted_as(role: str, settings: Settings, connection: Connection, api: str | None = None) -> Iterator[None]:
    """Lets other commands of this LOYALTY_HOME find this process for the length of the block."""
    note = describe_process(role, settings, connection.bootstrap_servers, api)
    with publish_note(settings.home, note):
        yield


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
    handler.addFilter(_is_lasting)
    handler.setFormatter(OneLine(f"%(asctime)s %(levelname)-7s {name}: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _is_lasting(record: logging.LogRecord) -> bool:
    """Whether a line of Kafka's client is more than a passing trouble. At a cluster's first start its
    coordinators are not there yet: librdkafka asks for a producer id until they are, and warns each time. If
    they do not come, the producer fails with an error of its own."""
    return record.name != "kafka" or not PASSING_TROUBLE.search(record.getMessage())

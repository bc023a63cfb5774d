"""Which Kafka, and which names in it, a command works with: one rule for all commands.

1. KAFKA_BOOTSTRAP_SERVERS, where it is set.
2. Otherwise the system that runs in this LOYALTY_HOME, as its processes note it: its address, its prefix, its
   clock and its file of Kafka's properties. LOYALTY_TOPIC_PREFIX chooses one of several.
3. Otherwise the local broker that `loyalty broker start` has left running.
4. Otherwise the command ends and says so. Only `loyalty broker start` and `loyalty demo` start a broker.

A process that stays up skips the second: it belongs to no system but its own.
"""

import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from api.cli.system_notes import RunningSystem, read_systems
from streams.domain.text import escape_text
from streams.errors import Misconfigured, Retryable
from streams.local_broker import detached
from streams.settings import Settings, variable_name

ANSWERS_WITHIN = 2.0
"""Seconds for a connection to a noted address."""
MAX_SHOWN_PREFIXES = 5


def locate_cluster(settings: Settings, *, serves: bool = False) -> Settings:
    """The settings with the cluster's address. Says on standard error which running system is used.

    `serves`: whether the process stays up. Raises Misconfigured if there is none, or more than one to choose
    from; Retryable if what is known of does not answer.
    """
    if settings.bootstrap_servers:
        return settings
    system = None if serves else choose_system(settings)
    if system:
        _require_answer(system)
        note = system.newest
        said = f"Using {system.title}: Kafka {note.bootstrap_servers}, prefix {note.topic_prefix!r}"
        print(escape_text(said), file=sys.stderr)
        return join_system(settings, system)
    return settings.model_copy(update={"bootstrap_servers": _local_broker(settings)})


def is_cluster_known(settings: Settings) -> bool:
    """Whether a cluster is configured, a system runs, or a local broker does."""
    if settings.bootstrap_servers or choose_system(settings):
        return True
    return detached.running(settings.home) is not None


def choose_system(settings: Settings) -> RunningSystem | None:
    """The running system that is meant, or None without any. A prefix that is set, and that none of them
    has, means none of them. Raises Misconfigured if several may be meant."""
    found = read_systems(settings.home)
    if "topic_prefix" in settings.model_fields_set:
        found = [system for system in found if system.newest.topic_prefix == settings.topic_prefix]
    if len(found) > 1:
        both = f"{variable_name('topic_prefix')} and {variable_name('bootstrap_servers')}"
        raise Misconfigured(
            f"{len(found)} systems run in {settings.home}: "
            + "; ".join(
                f"{system.title} at {system.newest.bootstrap_servers}, prefix {system.newest.topic_prefix!r}"
                for system in found
            )
            + f". Set {both} to those of one"
        )
    return found[0] if found else None


def join_system(settings: Settings, system: RunningSystem) -> Settings:
    """The settings with which a command works on that system."""
    note = system.newest
    update: dict[str, object] = {
        "bootstrap_servers": note.bootstrap_servers,
        "topic_prefix": note.topic_prefix,
        "clock": note.clock,
    }
    if note.kafka_config and settings.kafka_config is None:
        update["kafka_config"] = Path(note.kafka_config)
    return settings.model_copy(update=update)


def describe_others(prefixes: Iterable[str], own: str) -> str:
    """A sentence after a blank that names the prefixes of other systems in the cluster; empty without any."""
    others = [repr(prefix) for prefix in prefixes if prefix != own]
    if not others:
        return ""
    shown = ", ".join(others[-MAX_SHOWN_PREFIXES:]) + (
        " and more" if len(others) > MAX_SHOWN_PREFIXES else ""
    )
    return (
        f" Topics of other systems are there, with the prefix {shown}: {variable_name('topic_prefix')} "
        "chooses one."
    )


def _require_answer(system: RunningSystem) -> None:
    servers = system.newest.bootstrap_servers
    for server in servers.split(","):
        host, _, port = server.strip().rpartition(":")
        with (
            suppress(OSError, ValueError),
            socket.create_connection((host.strip("[]"), int(port)), ANSWERS_WITHIN),
        ):
            return
    raise Retryable(
        f"{system.title} notes that its Kafka is at {servers}, and nothing answers there: stop "
        f"what is left of it, or set {variable_name('bootstrap_servers')}"
    )


def _local_broker(settings: Settings) -> str:
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

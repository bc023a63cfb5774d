"""Makes an import's run: its store, and the zone and rules by which its lines are read."""

import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from api.cli.cluster_choice import is_cluster_known
from api.cli.processes import process
from connectors.imports.columns import code
from connectors.imports.kind import FileKind, ImportRun
from streams.domain.identifiers import NO_RULES
from streams.domain.store import StoreSettings
from streams.errors import Misconfigured
from streams.projections.state_snapshot import read_store_settings
from streams.settings import load_settings


def run_without_store(store: str, attempt: str, zone: str | None = None) -> ImportRun:
    """A run for a store without settings. Raises Misconfigured naming the option, its value and what is
    valid."""
    for option, value in (("--store", store), ("--attempt", attempt)):
        try:
            code(value)
        except ValueError as error:
            raise Misconfigured(f"{option} {value!r} is not valid: {error}") from None
    return ImportRun(store, datetime.now(UTC), attempt, _zone(zone or "UTC"))


def make_run(kind: FileKind, store: str, zone: str | None, attempt: str) -> ImportRun:
    """A run by the store's settings. Prints in which zone times without a zone are. Works without Kafka
    too."""
    run = run_without_store(store, attempt, zone)
    if kind.once and attempt != "1":
        raise Misconfigured(
            f"--attempt {attempt!r} is not for transfers: they would be made twice. "
            "Give those that were refused a new transferId instead"
        )
    settings = _settings(store) if is_cluster_known(load_settings()) else None
    name = zone or (settings.time_zone if settings else "UTC")
    if settings is None:
        print(_unknown(store, name), file=sys.stderr)
    elif kind.timed:
        print(
            f"times that name no zone are of {name}, {'as --zone says' if zone else f'as store {store} is'}"
        )
    rules = settings.identifier_rules if settings else NO_RULES
    return ImportRun(store, run.issued_at, attempt, _zone(name), rules)


def _settings(store: str) -> StoreSettings:
    """The store's settings. Raises Misconfigured if it has none: each line would be refused. Without Kafka,
    a dry run checks the file as if the store had set nothing."""
    with process("import") as (_, connection):
        return read_store_settings(connection, store)


def _unknown(store: str, zone: str) -> str:
    return (
        f"the settings of store {store} are not known here: times that name no zone are of {zone}, phones "
        "and cards are read as if it had set nothing for them"
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise Misconfigured(f"--zone {name!r} is not valid: a time zone such as Europe/Warsaw") from None

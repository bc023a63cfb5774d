"""Which generation of the state is the present one, as the log says; and who is of another ends.

Each generation has changelogs of its own. A process reads the present one at its start, and the loyalty stage
once more for each partition that comes to it, when nobody who had it before can commit any more.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from streams.errors import Misconfigured, Retryable
from streams.kafka.clients import Connection
from streams.kafka.compacted_view import CompactedView
from streams.kafka.control_filter import ControlFilter
from streams.kafka.last_valid import open_last_valid
from streams.kafka.log_reader import ANSWER_TIMEOUT, decided_range, outage_as_retryable, read_batches
from streams.kafka.topic_admin import partitions
from streams.kafka.unfit_records import UnfitRecord, raw_record
from streams.stages.state_schema import STATE_SCHEMA, StateSchema
from streams.state_version import FIRST_VERSION, STATE_KEY, Generation
from streams.topics import CHANGELOGS, GENERATIONS, VERSIONED_TABLES

_BEGINNING = Generation(number=FIRST_VERSION, layout=1, switched_at=datetime.fromtimestamp(0, UTC))


def read_state_version(connection: Connection) -> Generation:
    """The one of now: a switch that is under way is waited for.

    A record of it that cannot be worked with changes nothing: the last good one stands. Raises Misconfigured
    where none is known and it could be any of several; Retryable, also where the topic is not there: a broker
    that knows of none says nothing of the state.
    """
    found = {STATE_KEY: _BEGINNING}

    def apply(what: str, generation: Generation | None) -> None:
        found[what] = generation or _BEGINNING

    stretch = decided_range(connection, GENERATIONS)
    kept = open_last_valid(connection, GENERATIONS, max(end for _, end in stretch.bounds.values()))
    sieve = ControlFilter(connection.topic(GENERATIONS), Generation, apply, kept)
    for messages in read_batches(connection, stretch):
        for message in messages:
            sieve.take(message.partition() or 0, raw_record(message))
    sieve.save()
    bad = sieve.aside.get(STATE_KEY.encode())
    if bad and bad.in_force is None:
        _require_the_first(connection, bad)
    return found[STATE_KEY]


def _require_the_first(connection: Connection, bad: UnfitRecord) -> None:
    """Raises Misconfigured where there may be others: on a wrong one's state nothing must be decided."""
    others = sorted({number for _, number in list_changelogs(connection) if number != FIRST_VERSION})
    if others:
        raise Misconfigured(
            f"Set aside: {bad}. The state may be of generation {FIRST_VERSION} or "
            f"{', '.join(map(str, others))}: start with the LOYALTY_HOME of a machine that "
            "has worked on it, which knows"
        )


def list_changelogs(connection: Connection) -> Iterator[tuple[str, int]]:
    """Those of all generations, by their names in the cluster. Raises Retryable."""
    names = "|".join(re.escape(connection.prefix + CHANGELOGS[table].name) for table in VERSIONED_TABLES)
    with outage_as_retryable("the cluster's topics"):
        there = connection.open_admin().list_topics(timeout=ANSWER_TIMEOUT).topics
    for name in there:
        if found := re.fullmatch(rf"(?:{names})(?:-g(\d+))?", name):
            yield name, int(found[1] or FIRST_VERSION)


def at_state_version(connection: Connection) -> Connection:
    """With the names that topics have now. Raises Retryable."""
    return replace(connection, generation=read_state_version(connection).number)


def at_shown_version(connection: Connection) -> Connection:
    """The same, for who only shows topics, of which there may be none yet."""
    return at_state_version(connection) if partitions(connection, (GENERATIONS,)) else connection


def require_layout(generation: Generation, layout: StateSchema = STATE_SCHEMA) -> None:
    """Raises Misconfigured where the state was made by other rules than this release has."""
    if generation.layout != layout.number:
        raise Misconfigured(
            f"The state has layout {generation.layout}, this release works on {layout.number}: make it anew "
            "by `loyalty replay state --build`, then `--switch`; or start the release that fits it"
        )


def version_check(connection: Connection) -> Callable[[], None]:
    """What raises Retryable once the present generation is another than the connection's."""
    return lambda: require_version(read_state_version(connection).number, connection)


def require_version(number: int, connection: Connection) -> None:
    """Raises Retryable: started again, the process is of the present generation."""
    if number != connection.generation:
        raise Retryable(
            f"the state was switched to generation {number}, this process is of {connection.generation}: "
            "it must be started again"
        )


def watch_state_version(connection: Connection) -> CompactedView[Generation]:
    """Fails, with a Retryable, once the state is switched to another generation than the connection's."""

    def apply(what: str, generation: Generation | None) -> None:
        if what == STATE_KEY and generation is not None:
            require_version(generation.number, connection)

    return CompactedView(connection, GENERATIONS, Generation, apply)

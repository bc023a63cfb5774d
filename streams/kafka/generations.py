"""Which generation of the state is the present one, as the log says; and who is of another ends.

Each generation has changelogs of its own. A process reads the present one at its start, and the loyalty stage
once more for each partition that comes to it, when nobody who had it before can commit any more.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from streams import codec
from streams.errors import Misconfigured, Retryable
from streams.generation import FIRST, STATE, Generation
from streams.kafka.admin import partitions
from streams.kafka.clients import Connection
from streams.kafka.stretch import decided, latest
from streams.kafka.topics import GENERATIONS
from streams.kafka.view import View
from streams.stages.layout import LAYOUT, Layout

_BEGINNING = Generation(number=FIRST, layout=1, switched_at=datetime.fromtimestamp(0, UTC))


def present(connection: Connection) -> Generation:
    """The one of now: a switch that is under way is waited for. Raises Retryable."""
    if not partitions(connection, (GENERATIONS,)):
        return _BEGINNING
    found = latest(connection, decided(connection, GENERATIONS)).get(STATE.encode())
    return codec.decode(Generation, found.value, found.schema) if found else _BEGINNING


def at_present(connection: Connection) -> Connection:
    """With the names that topics have now. Raises Retryable."""
    return replace(connection, generation=present(connection).number)


def require_layout(generation: Generation, layout: Layout = LAYOUT) -> None:
    """Raises Misconfigured where the state was made by other rules than this release has."""
    if generation.layout != layout.number:
        raise Misconfigured(
            f"The state has layout {generation.layout}, this release works on {layout.number}: make it anew "
            "by `loyalty replay state --build`, then `--switch`; or start the release that fits it"
        )


def requiring(connection: Connection) -> Callable[[], None]:
    """What raises Retryable once the present generation is another than the connection's."""
    return lambda: require_number(present(connection).number, connection)


def require_number(number: int, connection: Connection) -> None:
    """Raises Retryable: started again, the process is of the present generation."""
    if number != connection.generation:
        raise Retryable(
            f"the state was switched to generation {number}, this process is of {connection.generation}: "
            "it must be started again"
        )


def watched(connection: Connection) -> View[Generation]:
    """Fails, with a Retryable, once the state is switched to another generation than the connection's."""

    def apply(what: str, generation: Generation | None) -> None:
        if what == STATE and generation is not None:
            require_number(generation.number, connection)

    return View(connection, GENERATIONS, Generation, apply)

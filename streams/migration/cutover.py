"""From one generation of the state to the next: which is being made, the moment at which it becomes the
present one, and what is left of those before."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

from streams.errors import Misconfigured, Retryable
from streams.kafka.clients import Connection
from streams.kafka.log_reader import outage_as_retryable
from streams.kafka.topic_admin import ANSWER_TIMEOUT
from streams.migration.build import StateBuild
from streams.migration.group_takeover import await_vacancy, evict_members, take_over_group
from streams.runtime.instance import lock_file
from streams.runtime.restore_progress import TellProgress
from streams.runtime.state_versions import list_changelogs
from streams.settings import Settings
from streams.stages.state_schema import STATE_SCHEMA, StateSchema

MAX_ADVANCES = 4


@contextmanager
def hold_folder(settings: Settings) -> Iterator[Path]:
    """Where generations are made, held while the block runs. Raises Misconfigured where somebody has it."""
    folder = settings.home / "state" / f"{settings.topic_prefix}renewal"
    folder.mkdir(parents=True, exist_ok=True)
    lock = lock_file(folder, "renewal")
    if lock is None:
        raise Misconfigured(f"another `loyalty replay state` works in {folder}: let it end first")
    try:
        yield folder
    finally:
        lock.close()


def find_build(connection: Connection, folder: Path, layout: StateSchema = STATE_SCHEMA) -> Path | None:
    """Where the next generation is being made by the same rules. What is left of others is deleted."""
    found = None
    for each in folder.glob("generation-*"):
        mine = each.suffix == f".{layout.number}" and version_number(each) > connection.generation
        if mine and found is None:
            found = each
        else:
            rmtree(each)
    return found


def begin_build(connection: Connection, folder: Path, layout: StateSchema = STATE_SCHEMA) -> Path:
    """Where a generation is to be made whose changelogs nobody has written to. Raises Retryable."""
    highest = max([connection.generation, *(number for _, number in list_changelogs(connection))])
    place = folder / f"generation-{highest + 1}.{layout.number}"
    place.mkdir()
    return place


def version_number(place: Path) -> int:
    """The generation that is made there."""
    return int(place.stem.removeprefix("generation-"))


def discard_builds(place: Path) -> None:
    """What was made of it stays in Kafka until `drop`."""
    rmtree(place)


def switch(
    renewal: StateBuild,
    connection: Connection,
    settings: Settings,
    tell: TellProgress,
    waiting: Callable[[list[str]], None],
    *,
    evicting: bool = False,
) -> float | None:
    """Makes the renewal's generation the present one, once no worker runs. None where it does not fit: then
    nothing was switched. Else for how many seconds nobody could have worked because of it.

    With `evicting` workers that run are ended, and the sessions of others are not waited for.

    Raises Misconfigured where workers go on running, Retryable where it is not switched for another reason.
    """
    group = f"{connection.prefix}loyalty"
    if not _alike(renewal, tell):
        return None
    if evicting:
        evict_members(connection, settings, group)
    await_vacancy(connection, settings, group, lambda there: _meanwhile(renewal, tell, waiting, there))
    begun = time.monotonic()
    with take_over_group(connection, settings, group) as held:
        if not _alike(renewal, tell):
            return None
        if not renewal.settled:
            raise Retryable("not switched: the state changes though no worker is there: run it again")
        renewal.publisher.settle(renewal.generation(datetime.now(UTC)), held.offsets, held.member)
    return time.monotonic() - begun


def _alike(renewal: StateBuild, tell: TellProgress) -> bool:
    """Whether it fits, after a few looks: the last finds nothing to do, unless somebody works."""
    for _ in range(MAX_ADVANCES):
        if renewal.advance(tell) or not renewal.fits:
            break
    return renewal.fits


def _meanwhile(
    renewal: StateBuild, tell: TellProgress, waiting: Callable[[list[str]], None], there: list[str]
) -> None:
    """What can be done before the last worker's session is over need not be done after it."""
    waiting(there)
    renewal.advance(tell)


def drop(connection: Connection, keep: int | None) -> list[str]:
    """Deletes the changelogs of all generations but the present one, and `keep`. Returns their names. Raises
    Retryable."""
    kept = {connection.generation, keep}
    gone = sorted(name for name, number in list_changelogs(connection) if number not in kept)
    if gone:
        admin = connection.open_admin()
        with outage_as_retryable("topics"):
            for future in admin.delete_topics(gone, operation_timeout=ANSWER_TIMEOUT).values():
                future.result()
    return gone

"""`loyalty replay state`: builds the state from the facts, compares it with the running one, and switches to
it."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.lines import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from streams.domain.store import StoreSettings
    from streams.kafka.clients import Connection
    from streams.migration.build import StateBuild
    from streams.migration.compare import Comparison
    from streams.settings import Settings
    from streams.state_version import Generation

DIFFERS = 1
LISTED = 20


def state(
    *,
    build: Annotated[
        bool, typer.Option("--build", help="Make the next generation of the state, beside the running one.")
    ] = False,
    switch: Annotated[
        bool,
        typer.Option("--switch", help="Put what was built in the running state's place: workers must end."),
    ] = False,
    drop: Annotated[
        bool, typer.Option("--drop", help="Delete the changelogs of generations that are no more.")
    ] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="Build from the first fact, not on from before.")
    ] = False,
    evict: Annotated[
        bool,
        typer.Option(
            "--evict", help="Do not wait for the sessions of stopped workers; one that runs is ended."
        ),
    ] = False,
    mend: Annotated[
        bool,
        typer.Option(
            "--mend", help="Where the states differ, the running one is wrong: see `reconcile --state`."
        ),
    ] = False,
    rate: Annotated[int, typer.Option(min=0, help="Most facts a second to build from; 0: no bound.")] = 0,
) -> None:
    """Build the state from the facts, beside the running one, and compare the two. Exit code 1: they differ.

    Without options the command only reads. Entries that do not follow from facts are left out: remembered
    commands, reservations, waiting commands, and the lead times that timers have passed.

    With --build the result is kept in changelogs of its own, as the state's next generation, and entries that
    do not follow from facts are carried over. A second run goes on where the first ended. With --switch,
    while no worker runs, the remaining facts are applied and compared, and the new generation becomes the
    state. The command waits until the last worker's session has ended. No webhook is sent.

    With --mend, given to both, differences do not prevent the switch: the facts are right.
    """
    from api.cli.processes import process
    from streams.errors import Misconfigured
    from streams.projections.state_snapshot import read_stores

    if build + switch + drop > 1:
        raise Misconfigured("--build, --switch and --drop are three steps: give one")
    if (anew or rate) and not build:
        raise Misconfigured("--anew and --rate are of --build")
    if evict and not switch:
        raise Misconfigured("--evict is of --switch")
    if mend and not (build or switch):
        raise Misconfigured("--mend is of --build and --switch")
    with process("replay") as (settings, connection):
        if drop:
            _drop(settings, connection)
        elif switch:
            _switch(settings, connection, evicting=evict, mend=mend)
        elif build:
            _build(settings, connection, anew=anew, rate=rate, mend=mend)
        else:
            _end(_compare_states(connection, read_stores(connection), settings.home / "tmp"))


def _compare_states(
    connection: "Connection", read_stores: "Mapping[str, StoreSettings | None]", folder: "Path"
) -> "Comparison":
    from api.cli.bars import progress_bar
    from streams.migration.rebuild_from_facts import compare_with_facts

    with progress_bar() as tell:
        return compare_with_facts(connection, read_stores.get, folder, tell)


def _build(settings: "Settings", connection: "Connection", *, anew: bool, rate: int, mend: bool) -> None:
    from api.cli.bars import progress_bar
    from streams.migration.cutover import begin_build, discard_builds, find_build, hold_folder, version_number

    with hold_folder(settings) as folder:
        place = find_build(connection, folder)
        if anew and place:
            discard_builds(place)
            place = None
        place = place or begin_build(connection, folder)
        with progress_bar() as tell:
            renewal = _make_build(settings, connection, place, rate=rate, mend=mend)
            renewal.advance(tell)
    say(f"generation {version_number(place)} is built beside generation {connection.generation}")
    _end(renewal.found, mend=mend)


def _switch(settings: "Settings", connection: "Connection", *, evicting: bool, mend: bool) -> None:
    from api.cli.bars import progress_bar
    from streams.migration.cutover import discard_builds, find_build, hold_folder, switch, version_number
    from streams.runtime.state_versions import read_state_version

    with hold_folder(settings) as folder:
        place = find_build(connection, folder)
        if place is None:
            _nothing_to_switch_to(read_state_version(connection))
            return
        with progress_bar() as tell:
            renewal = _make_build(settings, connection, place, mend=mend)
            took = switch(renewal, connection, settings, tell, _said_once(), evicting=evicting)
        _show(renewal.found)
        if took is None:
            say("not switched: the states differ; with --mend the facts are taken to be right")
            raise SystemExit(DIFFERS)
        discard_builds(place)
    say(f"switched to generation {version_number(place)}, {took:.1f} s after the last worker was gone")
    say("start the workers; and the API, where nothing starts it again")


def _drop(settings: "Settings", connection: "Connection") -> None:
    from streams.migration.cutover import drop, find_build, hold_folder, version_number

    with hold_folder(settings) as folder:
        place = find_build(connection, folder)
        gone = drop(connection, version_number(place) if place else None)
    for name in gone:
        say(f"deleted {name}")
    say(f"{len(gone)} changelogs of other generations deleted; the present one is {connection.generation}")


def _nothing_to_switch_to(now: "Generation") -> None:
    from streams.errors import Misconfigured
    from streams.state_version import FIRST_VERSION

    if now.number == FIRST_VERSION:
        raise Misconfigured("nothing was built here to switch to: `loyalty replay state --build` comes first")
    # A former run may have been killed just after its switch.
    since = f"{now.switched_at:%Y-%m-%d %H:%M:%S} UTC"
    say(f"nothing to do: the state is of generation {now.number} since {since}")


def _make_build(
    settings: "Settings", connection: "Connection", place: "Path", *, rate: int = 0, mend: bool
) -> "StateBuild":
    from dataclasses import replace

    from streams.migration.build import StateBuild
    from streams.migration.changelog_writer import ChangelogWriter
    from streams.migration.cutover import version_number
    from streams.projections.state_snapshot import read_stores

    publisher = ChangelogWriter(
        replace(connection, generation=version_number(place)), settings.transaction_timeout
    )
    there = read_stores(connection)
    return StateBuild(connection, settings, place, publisher, stores=there.get, rate=rate, mend=mend)


def _said_once() -> "Callable[[list[str]], None]":
    """Returns a function that prints whose sessions it waits for, each time that they change."""
    from rich.console import Console

    console, said = Console(stderr=True, highlight=False, soft_wrap=True), list[str]()

    def say(there: list[str]) -> None:
        if there != said:
            said[:] = there
            console.print(f"waits for the last session of: {', '.join(there)} (stop it, if it runs)")

    return say


def _end(found: "Comparison", *, mend: bool = False) -> None:
    _show(found)
    if found.different and not mend:
        raise SystemExit(DIFFERS)


def _show(found: "Comparison") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, soft_wrap=True)
    table = Table("entries", box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("same", "different", "changed meanwhile"):
        table.add_column(title, justify="right")
    for kind in sorted(found.same | found.different | found.passed_over):
        counts = (each[kind] for each in (found.same, found.different, found.passed_over))
        table.add_row(kind, *(f"{count:,}" for count in counts))
    console.print(table)
    for difference in found.differences[:LISTED]:
        console.print(difference)
    for fact in found.contradictions[:LISTED]:
        console.print(fact, markup=False)
    console.print(f"{found.same.total():,} entries are the same, {found.different.total():,} differ")

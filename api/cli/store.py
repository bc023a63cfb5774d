"""`loyalty store`: what a store sets, read from a file and put on the settings topic."""

import asyncio
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.lines import say

if TYPE_CHECKING:
    from streams.domain.store import StoreSettings
    from streams.kafka.clients import Connection

app = typer.Typer(no_args_is_help=True, help="Stores: wallets, campaigns, rewards, lead times.")
File = Annotated[Path, typer.Argument(help="JSON with the store's settings: see docs/store-settings.md.")]
Code = Annotated[str, typer.Argument(help="The store's code.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
DIFFERS = 1
"""Exit code of `diff` if the file would change anything."""
_PARTS = ("wallets", "campaigns", "rewards", "tier_sets")


@app.command()
def put(
    file: File,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Although they were changed since the file's `revision`.")
    ] = False,
) -> None:
    """Check the file and make it the store's settings. Running workers use them at once.

    If the file has a `revision`, it must be the present one. A file without it replaces any revision.
    """
    from api.cli.processes import process

    with process("store") as (_, connection):
        settings = asyncio.run(store_settings(connection, parsed(file), overwrite=overwrite))
    campaigns, rewards = len(settings.campaigns), len(settings.rewards)
    say(f"store {settings.store}, revision {settings.revision}: {campaigns} campaigns, {rewards} rewards")


@app.command("list")
def list_stores(json: Json = False) -> None:
    """List the stores with their revisions, and what each has."""
    from api.cli.processes import process
    from streams.projections.state_snapshot import read_stores

    with process("store") as (_, connection):
        found = [kept for _, kept in sorted(read_stores(connection).items()) if kept]
    if json:
        say(*(_row(store) for store in found))
        return
    for store in found:
        say(f"{store.store}  revision {store.revision}  {store.time_zone}  {_contents(store)}")
    if not found:
        say("There is no store yet: `loyalty store example > store.json` makes a file to begin with.")


@app.command()
def get(store: Code) -> None:
    """Print a store's settings as JSON that `put` takes again: its revision is in it."""
    from api.cli.processes import process
    from api.contract.store_file import write_store_file
    from streams.projections.state_snapshot import read_store_settings

    with process("store") as (_, connection):
        print(write_store_file(read_store_settings(connection, store)))


@app.command()
def check(file: File) -> None:
    """Validate a file, without Kafka and without storing it. All unknown fields are told."""
    settings = parsed(file)
    say(f"{file} is valid: store {settings.store}, {_contents(settings)}")


@app.command()
def diff(file: File, json: Json = False) -> None:
    """Show what `put` would change in the stored settings. Exit code 1 if there is anything."""
    from api.cli.processes import process
    from api.contract.store_file import differences
    from streams.projections.state_snapshot import read_stores

    settings = parsed(file)
    with process("store") as (_, connection):
        stored = read_stores(connection).get(settings.store)
    if stored is None:
        say(f"Store {settings.store} is new: `put` would make it.")
        raise SystemExit(DIFFERS)
    found = [*differences(stored, settings)]
    for path, before, after in found:
        if json:
            say(_json({"path": path, "stored": before, "file": after}))
        else:
            say(f"{path}: {_shown(before)} → {_shown(after)}")
    if found:
        raise SystemExit(DIFFERS)
    if not json:
        say(f"store {settings.store}, revision {stored.revision}: no difference")


@app.command()
def example() -> None:
    """Print a file of settings with each part in it, to begin with."""
    from api.contract.store_file import EXAMPLE

    print(EXAMPLE.read_text(encoding="utf-8"), end="")


@app.command()
def schema() -> None:
    """Print the JSON Schema of the file, for editors that complete and check it."""
    from api.contract.store_file import store_schema

    print(dumps(store_schema(), indent=2, ensure_ascii=False))


@app.command()
def docs() -> None:
    """Print all fields with their types, defaults and meanings, as Markdown."""
    from api.contract.store_file import store_page

    print(store_page(), end="")


def _row(store: "StoreSettings") -> str:
    counts = {part: len(getattr(store, part)) for part in _PARTS}
    return dumps({"store": store.store, "revision": store.revision, "timeZone": store.time_zone, **counts})


def _contents(store: "StoreSettings") -> str:
    return ", ".join(f"{len(getattr(store, part))} {part.replace('_', ' ')}" for part in _PARTS)


def _json(value: object) -> str:
    return dumps(value, ensure_ascii=False, default=str)


def _shown(value: object) -> str:
    return "nothing" if value is None else _json(value)


async def store_settings(
    connection: "Connection", settings: "StoreSettings", *, overwrite: bool = False
) -> "StoreSettings":
    """Stores the settings and returns them. Raises Misconfigured if others have changed them since their
    revision."""
    from api.process.control_topics import follow_stores
    from api.process.topic_log import TopicLog, announce_nothing
    from streams.topics import SETTINGS

    stores: dict[str, StoreSettings] = {}
    view = follow_stores(connection, stores)
    log = TopicLog(connection, SETTINGS, view, stores.get)

    def made(before: "StoreSettings | None") -> "StoreSettings":
        return next_revision(before, settings, overwrite=overwrite)

    try:
        await view.start()
        await log.change(settings.store, made, announce_nothing)
    finally:
        await view.stop()
    return stores[settings.store]


def next_revision(
    before: "StoreSettings | None", settings: "StoreSettings", *, overwrite: bool
) -> "StoreSettings":
    """`settings` with the revision that follows `before`. Raises Misconfigured if they are based on an older
    one."""
    from msgspec.structs import replace

    from streams.errors import Misconfigured

    present = before.revision if before else 0
    if before and 0 < settings.revision < present and not overwrite:
        differ = (n for n in before.__struct_fields__ if getattr(before, n) != getattr(settings, n))
        raise Misconfigured(
            f"store {settings.store} was changed since revision {settings.revision}: it is at {present}, and "
            f"differs in {', '.join(name for name in differ if name != 'revision') or 'nothing'}. Put these "
            "changes into the file, or give --overwrite to undo them"
        )
    if before and replace(settings, revision=present) == before:
        return before
    return replace(settings, revision=max(present, settings.revision) + 1)


def parsed(file: Path) -> "StoreSettings":
    """Reads the settings in `file`. Raises Misconfigured naming each invalid field."""
    from api.contract.checked_json import Unfit
    from api.contract.store_file import read_store_file
    from streams.errors import Misconfigured

    try:
        return read_store_file(file.read_bytes())
    except OSError as error:
        raise Misconfigured(f"{file} cannot be read: {error.strerror}") from None
    except Unfit as error:
        raise Misconfigured("\n".join(f"{file}: {problem}" for problem in error.problems)) from None

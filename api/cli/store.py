"""`loyalty store`: what a store sets, read from a file and put on the settings topic."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.lines import say

if TYPE_CHECKING:
    from streams.domain.store import StoreSettings
    from streams.kafka.clients import Connection

app = typer.Typer(no_args_is_help=True, help="Stores: wallets, campaigns, rewards, lead times.")


@app.command()
def put(
    file: Annotated[Path, typer.Argument(help="JSON with the store's settings.")],
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
    """Reads the settings in `file`. Raises Misconfigured naming the invalid field."""
    import msgspec

    from streams.domain.store import StoreSettings
    from streams.errors import Misconfigured

    try:
        settings = msgspec.json.decode(file.read_bytes(), type=StoreSettings)
        settings.check()
    except OSError as error:
        raise Misconfigured(f"{file} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, ValueError) as error:
        raise Misconfigured(f"{file}: {error}") from None
    except RecursionError:
        raise Misconfigured(f"{file}: is nested too deeply") from None
    return settings

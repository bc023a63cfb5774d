"""`loyalty store`: what a store sets, read from a file and put on the settings topic."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from streams.domain.store import StoreSettings

app = typer.Typer(no_args_is_help=True, help="Stores: wallets, campaigns, rewards, lead times.")


@app.command()
def put(file: Annotated[Path, typer.Argument(help="JSON with the store's settings.")]) -> None:
    """Check the file and make it the store's settings: running workers take it up at once."""
    from api.command_line.processes import process
    from streams.kafka.appender import Appender
    from streams.kafka.topics import SETTINGS

    with process("store") as (_, connection):
        settings = parsed(file)

        async def append() -> None:
            appender = Appender(connection)
            try:
                await appender.append(SETTINGS, settings.store, settings)
            finally:
                await appender.close()

        asyncio.run(append())
    print(f"store {settings.store}: {len(settings.campaigns)} campaigns, {len(settings.rewards)} rewards")


def parsed(file: Path) -> "StoreSettings":
    """The settings in `file`. Raises Misconfigured naming the field at fault."""
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

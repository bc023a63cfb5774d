"""`loyalty webhooks`: the catalogue, with documentation and schemas."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.cli.lines import say

if TYPE_CHECKING:
    from streams.webhooks.schema import BodyFormat

app = typer.Typer(no_args_is_help=True, help="Webhooks: their documentation and schemas.")


@app.command("list")
def show() -> None:
    """List every webhook by both its names, with its meaning."""
    from streams.webhooks import CATALOGUE

    table = Table("webhook", "what it tells", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, entry in sorted(CATALOGUE.items()):
        table.add_row(Text.assemble((name, "bold"), "\n", entry.legacy_type), entry.description)
    Console().print(table)


@app.command()
def docs(
    output: Annotated[
        Path | None, typer.Option(help="Directory for the documentation as pages that open from the disk.")
    ] = None,
) -> None:
    """Print all webhooks with their triggers and fields as Markdown, or write the documentation's pages."""
    from streams.webhooks.contract import markdown_page

    if output is None:
        print(markdown_page())
        return
    _write_pages(output)


def _write_pages(folder: Path) -> None:
    from datetime import UTC, datetime

    from api.portal.deployment import describe_deployment
    from api.portal.site import PortalSite
    from api.process.openapi import openapi_document
    from streams.errors import Misconfigured
    from streams.settings import load_settings

    site = PortalSite(describe_deployment(load_settings()), openapi_document)
    try:
        count = site.write(folder, datetime.now(UTC))
    except OSError as error:
        raise Misconfigured(f"--output {str(folder)!r} cannot be written: {error.strerror}") from None
    say(f"{count} files written; open {folder / 'index.html'}")


@app.command()
def schema(
    name: Annotated[str, typer.Argument(help="CustomerUpdated or customer.updated")],
    legacy: Annotated[bool, typer.Option("--legacy", help="of the legacy body")] = False,
    second: Annotated[bool, typer.Option("--second", help="of the second legacy body")] = False,
) -> None:
    """Print the JSON Schema of a webhook's whole body."""
    from streams.errors import Misconfigured
    from streams.webhooks import CATALOGUE
    from streams.webhooks.contract import json_schema
    from streams.webhooks.names import resolve_event_name

    entry = CATALOGUE.get(resolve_event_name(name) or "")
    if entry is None:
        raise Misconfigured(f"{name!r} is no webhook; valid are: {', '.join(sorted(CATALOGUE))}")
    if second and entry.second is None:
        raise Misconfigured(f"--second: {entry.name} is sent to legacy endpoints once; leave it out")
    form: BodyFormat = "second" if second else "legacy" if legacy else "new"
    print(json.dumps(json_schema(entry, form), indent=2))


@app.command()
def asyncapi() -> None:
    """Print all webhooks and topics as one AsyncAPI 3.0 document."""
    from datetime import UTC, datetime
    from importlib.metadata import version

    from api.rest.asyncapi import asyncapi_document

    print(json.dumps(asyncapi_document(version("loyalty-webhooks"), datetime.now(UTC)), indent=2))

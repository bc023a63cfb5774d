"""`loyalty identifiers`: checks the identifiers that members got before their store had rules."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from streams.domain.identifiers.recheck import Finding

app = typer.Typer(no_args_is_help=True, help="Phones, e-mails and cards that members are known by: check.")


@app.callback()
def _group() -> None:
    """Makes this a group: typer would otherwise take the only command for the whole."""


@app.command()
def check(
    store: Annotated[str | None, typer.Option(help="One store's code.", show_default="all stores")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Most to list of a store. All are counted.")] = 200,
) -> None:
    """List identifiers that are junk, or that would be stored in another form today, and those they clash
    with.

    Nothing is changed, and stored identifiers go on working. To repair one, update its member's profile with
    the form that is shown. If two members clash, one must give the identifier up first.
    """
    from api.cli.bars import progress_bar
    from api.cli.processes import process
    from streams.domain.identifiers.recheck import IdentifierCheck
    from streams.projections.state_snapshot import read_store_settings, read_stores, visit_members

    with process("identifiers") as (settings, connection):
        all_of_them = [each for each in read_stores(connection).values() if each]
        for rules in [read_store_settings(connection, store)] if store else all_of_them:
            found = IdentifierCheck(rules.identifier_rules)
            with progress_bar() as tell:
                members = visit_members(settings, connection, rules.store, found, tell)
            show(rules.store, list(found.found), members, limit)


def show(store: str, found: "list[Finding]", members: int, limit: int) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        "member", "field", "value", "what is wrong", "clashes with", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for each in found[:limit]:
        shown = ascii(each.value)[1:-1] if not each.value.isprintable() else each.value
        table.add_row(each.member_id, each.field, Text(shown), Text(each.reason), each.shared_with or "")
    console = Console(highlight=False)
    if found[:limit]:
        console.print(table)
    clashes = sum(each.shared_with is not None for each in found)
    junk = sum(each.form is None for each in found)
    others = len(found) - junk
    console.print(
        f"store {store}: {members:,} members looked at; {junk:,} identifiers cannot be read, {others:,} "
        f"would have another form, {clashes:,} of these clash; nothing was changed",
        soft_wrap=True,
    )

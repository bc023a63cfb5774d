"""`loyalty identifiers`: what members were known by before a store had rules for it."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from streams.domain.identifiers.recheck import Finding

app = typer.Typer(no_args_is_help=True, help="Phones, e-mails and cards that members are known by: check.")


@app.callback()
def _group() -> None:
    """Without it, typer would take the one command for the whole group."""


@app.command()
def check(
    store: Annotated[str | None, typer.Option(help="One store's code.", show_default="all stores")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Most to list of a store. All are counted.")] = 200,
) -> None:
    """List identifiers that are junk, or that would be kept in another form today, and whose they clash with.

    Nothing is changed: what is kept goes on working as it is. To mend one, update its member's profile with
    the form that is shown; of two members who clash, one has to give it up first.
    """
    from api.cli.bars import progress_bar
    from api.cli.processes import process
    from streams.domain.identifiers.recheck import IdentifierCheck
    from streams.projections.state_snapshot import look, read_store_settings, read_stores

    with process("identifiers") as (settings, connection):
        all_of_them = [each for each in read_stores(connection).values() if each]
        for rules in [read_store_settings(connection, store)] if store else all_of_them:
            found = IdentifierCheck(rules.identifier_rules)
            with progress_bar() as tell:
                members = look(settings, connection, rules.store, found, tell)
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

"""`loyalty rejections`: commands that a rule has refused."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.lines import say

if TYPE_CHECKING:
    from streams.projections.failure_log import FoundFailure
    from streams.rejections import CommandRejected

app = typer.Typer(no_args_is_help=True, help="Refused commands: list, show.")


@app.command("list")
def listed(
    *,
    store: Annotated[str | None, typer.Option(help="Only of this store.")] = None,
    member: Annotated[str | None, typer.Option(help="Only of this member, by its id.")] = None,
    text: Annotated[str, typer.Option(help="Only with this in command, field or reason.")] = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most to show: the newest.")] = 50,
) -> None:
    """Each refused command, the newest first: when, which, the field, its value and the reason."""
    from api.cli.processes import process
    from streams.projections.failure_log import FailureFilter, FailureLog

    with process("rejections") as (_, connection):
        found = FailureLog(connection).read_refusals(FailureFilter(store, member, text), limit)
    if json:
        say(*map(_to_json, found))
        return
    for each in found:
        one = each.record
        say(
            f"{each.id}  {one.rejected_at:%Y-%m-%d %H:%M:%S} UTC  {one.store}  {one.command}",
            f"    member {one.member_id}, command {one.command_id}",
            f"    {one.field} {one.value[:100]!r} {one.reason}",
        )
    say(f"{len(found)} refused commands shown" if found else "No command was refused.")


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="Its id in the list.")],
    json: Annotated[bool, typer.Option("--json", help="On one line.")] = False,
) -> None:
    """One refused command, whole, as JSON."""
    import msgspec

    from api.cli.processes import process
    from api.cli.redriving import parse_ids
    from streams.errors import Misconfigured
    from streams.projections.failure_log import FailureId, FailureLog

    (wanted,) = parse_ids([id], "rejections")
    with process("rejections") as (_, connection):
        found = FailureLog(connection).refusal(FailureId(wanted.partition, wanted.offset))
    if found is None:
        raise Misconfigured(f"{id}: no refused command is there; `loyalty rejections list` shows them")
    line = _to_json(found)
    say(*([line] if json else msgspec.json.format(line).splitlines()))


def _to_json(found: "FoundFailure[CommandRejected]") -> str:
    import msgspec

    names = found.record.__struct_fields__
    fields = {name: getattr(found.record, name) for name in names}
    return msgspec.json.encode({"id": str(found.id), **fields}).decode()

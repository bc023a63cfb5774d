"""`loyalty erase`: forgets a member, and shows which personal data remains until when."""

import asyncio
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.lines import say

if TYPE_CHECKING:
    from streams.domain.commands import EraseMember
    from streams.kafka.clients import Connection
    from streams.projections.command_outcomes import CommandOutcomes
    from streams.projections.erasures import DataRemainder
    from streams.projections.member_lookup import MemberSummary

NOT_DONE = 1


def run(
    *,
    store: Annotated[str, typer.Option(help="Whose member.")],
    member: Annotated[str, typer.Option(help="Who, by the id.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it, and erase nothing.")] = False,
    wait: Annotated[int, typer.Option(min=1, help="Most seconds for a worker to do it.")] = 30,
) -> None:
    """Forget who a member is, for good. Ids, numbers and times stay for the books.

    The command shows where personal data is left, and until when at the latest. A second run shows what is
    left then, and changes nothing. Exit code 1: no worker has done it yet; the next one that runs does.
    """
    from api.cli.processes import process
    from streams.errors import Misconfigured
    from streams.kafka.topic_retention import with_retention
    from streams.projections.erasures import remaining_data
    from streams.projections.member_lookup import look_up_member

    with process("erase") as (settings, connection):
        found = look_up_member(connection, store, member)
        if found is None:
            raise Misconfigured(f"--member {member!r} is not registered in store {store!r}")
        since = found.member.erased_at or datetime.now(UTC)
        _show(found, remaining_data(with_retention(settings.retention), since))
        if dry_run:
            say("dry run: nothing was erased")
        elif not found.member.erased_at:
            _erase(connection, store, member, wait)


def _show(found: "MemberSummary", rows: "Iterable[DataRemainder]") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, soft_wrap=True)
    console.print(_describe_member(found))
    table = Table("topic", "holds of the member", "gone by", box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(row.topic.name, row.what, _describe_end(row))
    console.print(table)


def _describe_member(found: "MemberSummary") -> str:
    member = found.member
    state = f"erased on {member.erased_at:%Y-%m-%d %H:%M} UTC" if member.erased_at else member.status
    known = f"known by {', '.join(found.known_by)}" if found.known_by else "known by nothing"
    return (
        f"{state}; {known}; {found.transactions:,} transactions, {found.documents:,} of them with a document "
        f"of their own; {found.waiting:,} webhooks on their way, which are still sent"
    )


def _describe_end(row: "DataRemainder") -> str:
    from streams.topics import EVENTS

    if row.topic is EVENTS:
        return "at once, with its key"
    return f"{row.gone_at:%Y-%m-%d}{', then at the next record' if row.compacted else ''}"


def _erase(connection: "Connection", store: str, member: str, wait: int) -> None:
    """Sends the command and waits for its outcome. Raises SystemExit if it is refused or not handled in
    time."""
    from streams.domain.commands import EraseMember
    from streams.projections.command_outcomes import CommandOutcomes

    command = EraseMember(
        command_id=str(uuid.uuid4()), store=store, member_id=member, issued_at=datetime.now(UTC)
    )
    outcomes = CommandOutcomes(connection, frozenset({command.command_id}))
    try:
        asyncio.run(_send(connection, command, outcomes))
        ended = _wait_for_outcome(outcomes, wait)
    finally:
        outcomes.close()
    refused = outcomes.refused.get(command.command_id)
    if refused:
        say(f"refused: {refused.field} {refused.value} {refused.reason}")
    else:
        say("erased" if ended else f"not erased yet: no worker has done it in {wait} s, but one will")
    if refused or not ended:
        raise SystemExit(NOT_DONE)


async def _send(connection: "Connection", command: "EraseMember", outcomes: "CommandOutcomes") -> None:
    from api.auth.audit import AuditTrail
    from api.auth.authentication import CHANGE_SOURCE, ChangeSource
    from api.cli.admin import system_user
    from api.process.control_topics import AuditAppender
    from streams.kafka.producer import RecordAppender
    from streams.stages.commands import owner_of
    from streams.topics import COMMANDS

    appender = RecordAppender(connection)
    try:
        CHANGE_SOURCE.set(ChangeSource(f"loyalty erase ({system_user()})", ""))
        audit = AuditTrail(AuditAppender(appender).append, lambda: datetime.now(UTC))
        await audit.record("deleted", "member", command.member_id)
        owner = owner_of(command.store, command.member_id)
        outcomes.sent(COMMANDS, *await appender.append(COMMANDS, owner, command))
    finally:
        await appender.close()


def _wait_for_outcome(outcomes: "CommandOutcomes", wait: int) -> bool:
    from api.cli.imports.sending import poll_outcomes

    return any(poll_outcomes(outcomes, wait))

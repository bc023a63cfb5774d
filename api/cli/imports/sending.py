"""Sends an import's commands and waits for their outcomes."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.cli.lines import say
from api.cli.processes import process
from connectors.imports.kind import ReadyCommand
from connectors.imports.reader import RefusedLine
from connectors.imports.send import send_commands
from streams.projections.command_outcomes import CommandOutcomes
from streams.rejections import LateRejection

if TYPE_CHECKING:
    from streams.topics import Topic

LOOK_EVERY = 0.2


def send_and_wait(ready: Sequence[ReadyCommand], wait: int, *, once: bool) -> Mapping[str, LateRejection]:
    """Sends the commands and prints how many were accepted. Returns the programme's refusals by command id.

    `once`: see `FileKind.once`.
    """
    with process("import") as (settings, connection):
        outcomes = CommandOutcomes(connection, frozenset(one.command_id for one in ready))
        try:
            with _bars() as bars:
                sent, answered = (bars.add_task(what, total=len(ready)) for what in ("sent", "answered"))

                def stands(topic: "Topic", partition: int, offset: int) -> None:
                    outcomes.sent(topic, partition, offset)
                    bars.advance(sent)

                asyncio.run(send_commands(connection, ready, stands))
                over = False
                for over in poll_outcomes(outcomes, wait):
                    bars.update(answered, completed=len(ready) if over else outcomes.answered)
        finally:
            outcomes.close()
        say(_conclusion(outcomes, over, wait))
        if outcomes.refused:
            say(_advice(settings.command_memory_hours, once=once))
    return outcomes.refused


def _bars() -> Progress:
    columns = TextColumn("{task.description:8}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, console=Console(stderr=True))


def poll_outcomes(outcomes: CommandOutcomes, wait: int) -> Iterator[bool]:
    """Polls the outcomes, and yields whether all are known. Ends then, or after `wait` seconds without a new
    one."""
    seen, until = 0, time.monotonic() + wait
    while time.monotonic() < until:
        outcomes.read(LOOK_EVERY)
        if outcomes.answered > seen:
            seen, until = outcomes.answered, time.monotonic() + wait
        over = not outcomes.unanswered or outcomes.over()
        yield over
        if over:
            return


def _conclusion(outcomes: CommandOutcomes, over: bool, wait: int) -> str:
    refused, left = len(outcomes.refused), len(outcomes.unanswered)
    accepted = len(outcomes.accepted - outcomes.refused.keys())
    parts = [f"{len(outcomes.wanted):,} commands sent: {accepted:,} accepted, {refused:,} refused"]
    if left and over:
        parts.append(f"{left:,} handled before, which changed nothing")
    elif left:
        parts.append(
            f"of {left:,} it is not known: no outcome came in {wait} s. They stay in the topic until "
            "a worker handles them; run this again to see"
        )
    return ", ".join(parts)


def _advice(hours: int, *, once: bool) -> str:
    if once:
        return "A refusal is remembered: send the line again under a new transferId."
    return f"A refusal is remembered for {hours} h: to have the same lines decided anew, add --attempt 2."


def refused_lines(
    ready: Iterable[ReadyCommand], refused: Mapping[str, LateRejection]
) -> Iterator[RefusedLine]:
    for one in ready:
        refusal = refused.get(one.command_id)
        if refusal:
            for line in one.lines:
                yield RefusedLine(line, refusal.field, refusal.value, refusal.reason)

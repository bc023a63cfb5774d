"""Under which ids commands and their later steps are remembered, and what that tells of their end.

The changelog of the `commands` table is where whoever sent a command can read what became of it: what is
remembered there was decided in the same transaction.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from streams.domain.commands import AddUnits, AssignTransaction, Command, SpendUnits, TransferUnits
from streams.domain.ids import derived_id
from streams.domain.messages import AcceptUnits, AnswerClaim, TakeTransaction
from streams.domain.state import Handled, State
from streams.errors import Rejected
from streams.rejections import shorten_value
from streams.stages.commands import MESSAGES
from streams.stages.context import StageContext

IDENTIFIERS_CLAIMED = AnswerClaim.__name__
"""What a command waits for that needs identifiers, or that came behind such a one."""


FINGERPRINT_HEADER = "fingerprint"
"""A header of a command's record: of the request that it came from, to tell another one under the same id."""


MAX_FINGERPRINT_CHARACTERS = 64


class Conclusion(NamedTuple):
    """A command's end: with `rejection` (field, value, reason) it changed nothing. `owner` handled its last
    step. `fingerprint` is of what was asked; empty: it is not known."""

    owner: str
    rejection: tuple[str, str, str] | None
    fingerprint: str = ""


def dedup_id(command: Command) -> str:
    """Under which a command is remembered. Messages bear the id of the command that began it all."""
    if isinstance(command, MESSAGES):
        return step_id(command.command_id, type(command).__name__)
    return command.command_id


def step_id(command_id: str, step: str) -> str:
    """Under which a later step of a command is remembered: the message of that name."""
    return derived_id(command_id, step)


def is_kept_forever(command: Command) -> bool:
    """Whether the command is never forgotten: the same line of a file may come again at any time."""
    return isinstance(command, AddUnits | SpendUnits) and command.once


def handled_entry(
    turn: StageContext,
    state: State,
    command_id: str,
    forget_at: datetime | None,
    *,
    refusal: Rejected | None,
    waits_for: str,
) -> Handled:
    """What is to be remembered from now on of a command that `turn` handles, or that it goes on with."""
    rejection = refusal and (refusal.field, shorten_value(refusal.value), refusal.reason)
    before = state.get(Handled, command_id.encode())
    return Handled(
        command_id=command_id,
        forget_at=forget_at,
        rejection=rejection or None,
        waits_for=waits_for,
        fingerprint=before.fingerprint if before else _fingerprint(turn),
    )


def _fingerprint(turn: StageContext) -> str:
    """Of the request that the command came from."""
    found = turn.record.headers.get(FINGERPRINT_HEADER) if turn.record else None
    return (found or b"").decode(errors="replace")[:MAX_FINGERPRINT_CHARACTERS]


def last_step(command: Command) -> str:
    """The message whose handling ends what `command` begins; empty where that ends with the command."""
    match command:
        case TransferUnits():
            return AcceptUnits.__name__
        case AssignTransaction():
            return TakeTransaction.__name__
        case _:
            return ""


def command_outcome(command_id: str, find: Callable[[str], tuple[str, Handled] | None]) -> Conclusion | None:
    """How the command ended, None where it has not. `find` gives what is remembered under an id, and by
    which owner."""
    found = find(command_id)
    if found is None:
        return None
    owner, first = found
    if first.rejection or not first.waits_for:
        return Conclusion(owner, first.rejection, first.fingerprint)
    last = find(step_id(command_id, first.waits_for))
    if first.waits_for == IDENTIFIERS_CLAIMED or last is None or last[1].rejection:
        # A step that was refused is followed by the command's own refusal.
        return None
    return Conclusion(last[0], None, first.fingerprint)

"""Remembers the ids of commands, so that a repeated command changes nothing, and tells a command's outcome.

The sender of a command can read its outcome from the changelog of the `commands` table: the entry is written
in the transaction that decides the command.
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
"""The step that a command waits for if it needs identifiers, or if it was queued behind a command that
does."""


FINGERPRINT_HEADER = "fingerprint"
"""The header with a digest of the request that the command came from: it tells two requests with the same id
apart."""


MAX_FINGERPRINT_CHARACTERS = 64


class CommandOutcome(NamedTuple):
    """The outcome of a command. With a `rejection` (field, value, reason) it changed nothing. `owner` handled
    its last step. `fingerprint` is the request's; empty if it is not known."""

    owner: str
    rejection: tuple[str, str, str] | None
    fingerprint: str = ""


def dedup_id(command: Command) -> str:
    """The id under which a command is remembered. Messages carry the id of the command that started the
    process, so that their own type is part of it."""
    if isinstance(command, MESSAGES):
        return step_id(command.command_id, type(command).__name__)
    return command.command_id


def step_id(command_id: str, step: str) -> str:
    """The id under which the message `step`, a later step of a command, is remembered."""
    return derived_id(command_id, step)


def is_kept_forever(command: Command) -> bool:
    """Whether the command's id is kept forever: the same line of a file may be imported again at any time."""
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
    """The entry that remembers a command which is handled, or continued, in this transaction."""
    rejection = refusal and (refusal.field, shorten_value(refusal.value), refusal.reason)
    before = state.get(Handled, command_id.encode())
    return Handled(
        command_id=command_id,
        forget_at=forget_at,
        rejection=rejection or None,
        waits_for=waits_for,
        fingerprint=before.fingerprint if before else _read_fingerprint(turn),
    )


def _read_fingerprint(turn: StageContext) -> str:
    """The fingerprint of the request that the command came from, or "" if there is none."""
    found = turn.record.headers.get(FINGERPRINT_HEADER) if turn.record else None
    return (found or b"").decode(errors="replace")[:MAX_FINGERPRINT_CHARACTERS]


def last_step(command: Command) -> str:
    """The message whose handling completes `command`; empty if the command completes at once."""
    match command:
        case TransferUnits():
            return AcceptUnits.__name__
        case AssignTransaction():
            return TakeTransaction.__name__
        case _:
            return ""


def command_outcome(
    command_id: str, find: Callable[[str], tuple[str, Handled] | None]
) -> CommandOutcome | None:
    """The outcome of the command, or None if it is still under way. `find` returns the owner and the entry
    that are remembered under an id."""
    found = find(command_id)
    if found is None:
        return None
    owner, first = found
    if first.rejection or not first.waits_for:
        return CommandOutcome(owner, first.rejection, first.fingerprint)
    last = find(step_id(command_id, first.waits_for))
    if first.waits_for == IDENTIFIERS_CLAIMED or last is None or last[1].rejection:
        # A rejected step is followed by the rejection of the command itself.
        return None
    return CommandOutcome(last[0], None, first.fingerprint)

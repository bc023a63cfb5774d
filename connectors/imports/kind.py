"""What a kind of file is, and the commands that its lines become. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from hashlib import sha256
from typing import NamedTuple, TypedDict

from connectors.imports.columns import KINDS_OF_IDENTIFIER, Column, Row
from streams.domain.commands import Command
from streams.domain.identifiers import NO_RULES, Rules
from streams.domain.ids import derived_id
from streams.domain.messages import AddressedCommand
from streams.errors import Rejected


@dataclass(frozen=True, slots=True)
class ImportRun:
    """One import. `issued_at` is when the programme learns of it, `zone` is that of times without one, and by
    `rules` the store reads phones and cards.

    The same line of another `attempt` is another command.
    """

    store: str
    issued_at: datetime
    attempt: str = "1"
    zone: tzinfo = UTC
    rules: Rules = NO_RULES

    def head(self, kind: str, member_id: str, natural: str, content: str = "") -> "Head":
        """Its `command_id` follows from what is given here: the same file again makes the same commands."""
        said = sha256(content.encode()).hexdigest() if content else ""
        return {
            "command_id": derived_id(self.store, "import", kind, self.attempt, said, natural),
            "store": self.store,
            "member_id": member_id,
            "issued_at": self.issued_at,
        }


class Head(TypedDict):
    command_id: str
    store: str
    member_id: str
    issued_at: datetime


class ReadyCommand(NamedTuple):
    """What is to be sent for these lines."""

    command_id: str
    lines: tuple[int, ...]
    record: Command | AddressedCommand


@dataclass(frozen=True, slots=True)
class FileKind:
    """`key` names what a line is about. Lines of one key are one command where `shared` names the columns
    in which they agree; elsewhere a key is there once."""

    name: str
    meaning: str
    columns: Callable[[ImportRun], tuple[Column, ...]]
    key: Callable[[Row], str]
    check: Callable[[Row], None]
    """Raises Rejected where the cells of a line do not go together."""
    make: Callable[[list[Row], ImportRun], ReadyCommand]
    shared: tuple[str, ...] | None = None
    once: bool = False
    """Whether only the id of a line, and not the domain, tells that it was handled before."""
    timed: bool = False
    """Whether its lines have times, which may lack their zone."""


def member_id_of(row: Row, run: ImportRun) -> str | None:
    """The member's id, given or derived, if either is there."""
    given, external = row.get("memberId"), row.get("memberExternalId")
    return given or (external and derived_id(run.store, "import", "member", external))


def require_one_id_at_most(row: Row) -> None:
    """Raises Rejected where the member's id is given twice."""
    if row.get("memberId") and row.get("memberExternalId"):
        raise Rejected(
            "memberExternalId", row.get("memberExternalId"), "must be empty where memberId is given"
        )


def require_one_identifier(row: Row) -> None:
    """Raises Rejected unless the line names its member in one way."""
    names = ("memberId", "memberExternalId", *KINDS_OF_IDENTIFIER)
    given = [name for name in names if row.get(name)]
    if len(given) != 1:
        raise Rejected(
            given[1] if given else names[0],
            str(row.get(given[1])) if given else "",
            f"of {', '.join(names)} one must be given, and one only",
        )

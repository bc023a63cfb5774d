"""A kind of import file, and one run of an import. Pure."""

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
    """One run of an import. `issued_at` is when the programme learns of the lines, `zone` is that of times
    without a zone, and `rules` are the store's for phones and cards.

    The same line in another `attempt` is another command.
    """

    store: str
    issued_at: datetime
    attempt: str = "1"
    zone: tzinfo = UTC
    rules: Rules = NO_RULES

    def head(self, kind: str, member_id: str, natural: str, content: str = "") -> "Head":
        """The common fields of a command. `command_id` is derived from the arguments: the same file makes the
        same commands again."""
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
    """A command that is ready to be sent, and its lines in the file."""

    command_id: str
    lines: tuple[int, ...]
    record: Command | AddressedCommand


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file. `key` is the id of what a line is about. If `shared` names columns, the lines of one
    key are one command and must agree in these columns. Otherwise each key may occur once."""

    name: str
    meaning: str
    columns: Callable[[ImportRun], tuple[Column, ...]]
    key: Callable[[Row], str]
    check: Callable[[Row], None]
    """Raises Rejected if the cells of a line contradict each other."""
    make: Callable[[list[Row], ImportRun], ReadyCommand]
    shared: tuple[str, ...] | None = None
    once: bool = False
    """Whether only the line's id shows that it was handled before. Otherwise the domain does."""
    timed: bool = False
    """Whether its lines have times, which may have no zone."""


def member_id_of(row: Row, run: ImportRun) -> str | None:
    """The member's id, given or derived from the external one, or None."""
    given, external = row.get("memberId"), row.get("memberExternalId")
    return given or (external and derived_id(run.store, "import", "member", external))


def require_one_id_at_most(row: Row) -> None:
    """Raises Rejected if the member's id is given in two ways."""
    if row.get("memberId") and row.get("memberExternalId"):
        raise Rejected(
            "memberExternalId", row.get("memberExternalId"), "must be empty where memberId is given"
        )


def require_one_identifier(row: Row) -> None:
    """Raises Rejected unless the line names its member in exactly one way."""
    names = ("memberId", "memberExternalId", *KINDS_OF_IDENTIFIER)
    given = [name for name in names if row.get(name)]
    if len(given) != 1:
        raise Rejected(
            given[1] if given else names[0],
            str(row.get(given[1])) if given else "",
            f"of {', '.join(names)} one must be given, and one only",
        )

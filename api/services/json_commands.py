"""Commands as JSON: `type` is the schema's name, the other fields are the schema's own."""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import msgspec

from api.contract.fields import UUID_PATTERN
from api.problems import Complaint, Invalid, shorten_json
from streams.domain.commands import (
    AssignTransaction,
    ChangeOwnEmail,
    ChangeOwnPhone,
    DocumentCommand,
    EraseMember,
    MemberCommand,
    RecordTransaction,
    RegisterMember,
    RequestPasswordReset,
    SendActivationCode,
    SignUpMember,
)
from streams.domain.ids import document_id
from streams.spelling import find_similar

COMMAND_ROOT = "command"
OPENING = (RegisterMember, SignUpMember)
CODE_COMMANDS = (SignUpMember, SendActivationCode, RequestPasswordReset, ChangeOwnEmail, ChangeOwnPhone)
"""Codes that members are sent follow from the command's id, which nobody may guess."""
JsonCommand = MemberCommand | DocumentCommand
KINDS: dict[str, type[JsonCommand]] = {
    kind.__name__: kind
    for kind in (*get_args(MemberCommand), *get_args(DocumentCommand))
    # It cannot be undone: it has a route, a scope and a command of its own.
    if kind is not EraseMember
}


@dataclass(frozen=True, slots=True)
class CommandDraft:
    """A command whose member may be named by `member`, such as `email=…`, and is not looked up yet."""

    kind: type[JsonCommand]
    fields: dict[str, Any]
    member: str | None

    @property
    def command_id(self) -> str | None:
        """The sender's own id, or None if it gives none."""
        given = self.fields.get("command_id")
        return given if isinstance(given, str) else None

    def build(self, command_id: str, member_id: str | None, at: datetime) -> JsonCommand:
        """The command. Raises Invalid naming each field that its schema does not take."""
        head = {"command_id": command_id, "issued_at": at} | self.fields
        head["member_id"] = member_id or head.get("member_id") or self._own_id(head)
        try:
            return msgspec.convert(head, self.kind)
        except msgspec.ValidationError as error:
            reason, _, path = str(error).partition(" - at `$.")
            missing = re.search(r"missing required field `(\w+)`", reason)
            field = ".".join(part for part in (path.rstrip("`"), missing[1] if missing else "") if part)
            raise _invalid(field, f"{reason}.", "invalid") from None

    def _own_id(self, head: dict[str, Any]) -> str:
        if self.kind in OPENING:
            return str(uuid.uuid4())
        number = head.get("document_number")
        if self.kind in (RecordTransaction, AssignTransaction) and isinstance(number, str):
            return document_id(str(head.get("store")), number)
        message = "Name the member: a UUID here, or in `member` email=…, phone=… or loyaltyCardNumber=…."
        raise _invalid("member_id", message, "missing")


def read_draft(store: str, tree: object) -> CommandDraft:
    """Checks everything that needs no look into the store's state. Raises Invalid naming each field."""
    if not isinstance(tree, dict):
        raise _invalid("", f"Must be an object with a field `type`, not {shorten_json(tree)}.", "invalid")
    fields = dict(tree)
    name, member = fields.pop("type", None), fields.pop("member", None)
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        near = find_similar(str(name), KINDS)
        hint = f"did you mean {near}?" if near else f"valid: {', '.join(sorted(KINDS))}"
        raise _invalid("type", f"There is no command {shorten_json(name)}; {hint}", "unknown_command")
    if member is not None and not isinstance(member, str):
        raise _invalid("member", "Must be text such as email=anna@example.com.", "invalid")
    if fields.setdefault("store", store) != store:
        raise _invalid("store", f"Must be {store}, which it is sent to, or absent.", "conflict")
    complaints = list(_unknown_fields(kind, fields, ""))
    if complaints:
        raise Invalid(*complaints)
    draft = CommandDraft(kind, fields, member)
    given = fields.get("command_id")
    if given is not None and kind in CODE_COMMANDS:
        raise _invalid("command_id", "Not accepted: a code that is sent follows from it.", "unsupported")
    if given is not None and not (isinstance(given, str) and re.fullmatch(UUID_PATTERN, given)):
        raise _invalid("command_id", "Must be a UUID in lower case.", "invalid")
    # With a member of nobody's: what it checks is everything else.
    nobody = str(uuid.UUID(int=0)) if member else None
    draft.build(
        draft.command_id or str(uuid.UUID(int=0)), nobody, datetime.fromisoformat("2000-01-01T00:00Z")
    )
    return draft


def _unknown_fields(kind: type[Any], fields: dict[str, Any], path: str) -> list[Complaint]:
    """A misspelled field is refused: its default would feign that it was understood."""
    known = {field.name: field.type for field in msgspec.structs.fields(kind)}
    found: list[Complaint] = []
    for name, value in fields.items():
        if name not in known:
            near = find_similar(str(name), known)
            hint = f"did you mean {near}?" if near else f"valid: {', '.join(known)}"
            place = f"{COMMAND_ROOT}.{path}{name}"[:400]
            found.append(Complaint(place, f"{kind.__name__} has no such field; {hint}", "extra_forbidden"))
            continue
        for inner in _structs(known[name]):
            for index, part in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(part, dict):
                    place = f"{path}{name}." if index is None else f"{path}{name}[{index}]."
                    found += _unknown_fields(inner, part, place)
    return found[:20]


def _structs(hint: Any) -> list[type[Any]]:
    """The one kind of struct that a field may hold, or none."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return [hint]
    return [kind for part in get_args(hint) for kind in _structs(part)][:1]


def _invalid(field: str, message: str, code: str) -> Invalid:
    return Invalid(Complaint(f"{COMMAND_ROOT}.{field}".rstrip("."), message, code))

"""Rechecks stored identifiers against the store's rules. Pure."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from streams.domain.identifiers.normalization import Rules, identifier, is_junk, read
from streams.domain.identifiers.placeholders import Unreadable
from streams.domain.identifiers.profiles import FIELDS
from streams.domain.state import Member, State
from streams.domain.values import IdentifierKind


class Finding(NamedTuple):
    """`form` is the normalised identifier, or None for a placeholder. `shared_with` is another member who
    has, or would get, the same one."""

    member_id: str
    field: str
    value: str
    form: str | None
    reason: str
    shared_with: str | None = None


class IdentifierCheck:
    """Checks each member of a store once. It changes nothing."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._findings: list[Finding] = []
        self._holders: defaultdict[tuple[IdentifierKind, str], list[str]] = defaultdict(list)

    def look(self, state: State, member_id: str, now: datetime) -> None:  # noqa: ARG002 - as previews do
        member = state.get(Member)
        for kind, field in FIELDS.items():
            value: str | None = getattr(member.profile, field) if member else None
            if value and identifier(kind, value):
                self._judge(member_id, kind, field, value)

    def _judge(self, member_id: str, kind: IdentifierKind, field: str, value: str) -> None:
        kept = identifier(kind, value)
        try:
            form = read(kind, value, self._rules)
        except Unreadable as error:
            nobody = " It matches nobody." if kept and is_junk(kept) else ""
            self._findings.append(Finding(member_id, field, value, None, f"{error}.{nobody}"))
            return
        key = identifier(kind, form)
        if key:
            self._holders[kind, key.value].append(member_id)
        if form != value:
            self._findings.append(Finding(member_id, field, value, form, f"would be kept as {form}"))

    @property
    def found(self) -> Iterator[Finding]:
        """The findings: clashes first, then by member and field."""
        return iter(
            sorted(map(self._shared_finding, self._findings), key=lambda f: (not f.shared_with, f[:2]))
        )

    def _shared_finding(self, finding: Finding) -> Finding:
        kind = next(kind for kind, field in FIELDS.items() if field == finding.field)
        key = identifier(kind, finding.form)
        holders = self._holders[kind, key.value] if key else []
        other = next((each for each in holders if each != finding.member_id), None)
        return finding._replace(shared_with=other)

"""From a request to a command, and from what became of it to an answer."""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypedDict

from fastapi import Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic.alias_generators import to_camel

from api.contract.fields import UUID_PATTERN, StoreCode
from api.problems import Complaint, Conflict, Invalid, NotFound, shorten_json
from api.services.command_outcomes import CommandOutcomes, CommittedState
from api.services.idempotency import fingerprint
from streams.codec.round_trip import find_unwritable
from streams.domain.commands import Command
from streams.domain.event_context import EventContext
from streams.domain.identifiers import NO_RULES, Unreadable, sought
from streams.domain.ids import derived_id
from streams.domain.state import Entry, Known, Member, State
from streams.domain.store import StoreSettings
from streams.domain.values import Identifier, IdentifierKind, Profile
from streams.stages.commands import owner_of
from streams.stages.identity import identifier_key

CONFLICT_FIELDS = {
    "member_id",
    "profile.email",
    "profile.phone",
    "profile.loyalty_card_number",
    "RecordTransaction.document_number",
    "RegisterTransaction.document_number",
}
"""Fields whose refusal says that the programme is in a state that the command does not fit: 409."""
IDENTIFIER_KINDS: tuple[IdentifierKind, ...] = ("email", "phone", "loyaltyCardNumber")


_KEY = (
    "The same key of the same caller again within 24 h on the same path changes nothing and is answered as "
    "before; with another body: 422."
)


class CommandHead(TypedDict):
    command_id: str
    store: str
    member_id: str
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """What every request for a change has in common."""

    store: str
    command_id: str
    at: datetime
    fingerprint: str
    """Of what is asked under an Idempotency-Key; empty: there is none."""

    def head(self, member_id: str) -> CommandHead:
        return {
            "command_id": self.command_id,
            "store": self.store,
            "member_id": member_id,
            "issued_at": self.at,
        }


@dataclass(frozen=True, slots=True)
class CommandService:
    outcomes: CommandOutcomes
    book: CommittedState
    stores: Callable[[str], StoreSettings | None]
    now: Callable[[], datetime]

    async def asked(
        self,
        request: Request,
        store: StoreCode,
        idempotency_key: Annotated[
            str | None,
            Header(alias="Idempotency-Key", min_length=1, max_length=255, description=_KEY),
        ] = None,
    ) -> ChangeRequest:
        self.settings(store)
        if idempotency_key is None:
            return ChangeRequest(store, str(uuid.uuid4()), self.now(), "")
        route = f"{request.method} {request.url.path}"
        command_id = derived_id(store, request.state.caller.name, route, idempotency_key)
        return ChangeRequest(store, command_id, self.now(), fingerprint(await request.body()))

    async def asked_for_a_code(self, request: Request, store: StoreCode) -> ChangeRequest:
        """Codes follow from the command's id, which nobody may guess."""
        if "idempotency-key" in request.headers:
            message = "Not accepted here: a code that is sent must follow from nothing that can be guessed."
            raise Invalid(Complaint("Idempotency-Key", message, "unsupported"))
        return await self.asked(request, store)

    def settings(self, store: str) -> StoreSettings:
        """Raises 404 for a store that there is not."""
        found = self.stores(store)
        if found is None:
            raise NotFound
        return found

    async def member(self, store: str, text: str) -> str:
        """The id of the member that `text` names: an id, or `email=…`, `phone=…`, `loyaltyCardNumber=…`.

        Raises 404 where there is none.
        """
        found = await self.found(store, text)
        if found is None:
            raise NotFound
        return found

    async def member_in(self, store: str, text: str, path: str) -> str:
        """As `member`, for what stands in a body: raises Invalid."""
        found = await self.found(store, text)
        if found is None:
            message = f"{shorten_json(text)} is no member of store {store}."
            raise Invalid(Complaint(path, message, "unknown_member", text))
        return found

    async def found(self, store: str, text: str) -> str | None:
        """As `member`; None where there is none."""
        if re.fullmatch(UUID_PATTERN, text):
            owner = owner_of(store, text)
            member = await self._patient(owner, "members", lambda state: state.get(Member))
            return text if member else None
        for each in self._sought(store, text):
            known = await self._patient(
                identifier_key(store, each), "identifiers", lambda state: state.get(Known)
            )
            if known:
                found: str = known.member_id
                return found
        return None

    def _sought(self, store: str, text: str) -> tuple[Identifier, ...]:
        """By what a member may be known that is named by `email=…`, `phone=…` or `loyaltyCardNumber=…`; junk
        names nobody."""
        kind, equals, value = text.partition("=")
        wanted = next((each for each in IDENTIFIER_KINDS if each == kind and equals), None)
        settings = self.stores(store)
        rules = settings.identifier_rules if settings else NO_RULES
        try:
            return sought(wanted, value, rules) if wanted else ()
        except Unreadable:
            return ()

    async def profile(self, store: str, member_id: str) -> Profile | None:
        """The member's profile as it is kept, if there is such a member."""
        owner = owner_of(store, member_id)
        member = await self._patient(owner, "members", lambda state: state.get(Member))
        return member.profile if member else None

    async def owner_of(self, store: str, kinds: Sequence[type[Entry]], key: str) -> str:
        """The member who has an entry of one of those kinds, of one table, with that key.

        Raises 404 where there is none, or it is another store's.
        """
        found = self._owner_of(store, kinds, key)
        if found is None:
            await self.book.current(None, (kinds[0].table,))
            found = self._owner_of(store, kinds, key)
        if found is None:
            raise NotFound
        return found

    def _owner_of(self, store: str, kinds: Sequence[type[Entry]], key: str) -> str | None:
        owners = (owner.partition("/") for kind in kinds for owner in self.book.holders(kind, key))
        return next((member_id for code, _, member_id in owners if code == store), None)

    async def _patient(self, owner: str, table: str, look: Callable[[State], Any]) -> Any:
        """What is there; where nothing is, what is there once all is replicated."""
        found = look(self.book.state(owner))
        if found is None:
            await self.book.current(owner, (table,))
            found = look(self.book.state(owner))
        return found

    async def answer(
        self,
        asked: ChangeRequest,
        command: Command,
        fields: Mapping[str, str],
        made: Callable[[EventContext], object] | None = None,
    ) -> Response:
        """What the client is told: `made` of the act, or 204 without it. `fields` are the client's names for
        the command's, where they differ by more than their spelling.

        Raises Invalid or Conflict where it was refused, Invalid where it could not be read back, and
        KeyReused.
        """
        for unkept in find_unwritable(command):
            raise rejection_error(
                type(command).__name__, (unkept.field, str(unkept.value), unkept.reason), fields
            )
        ended = await self.outcomes.send(command, asked.fingerprint)
        if ended is None:
            where = f"/api/{asked.store}/command/{asked.command_id}"
            body = {"commandId": asked.command_id, "status": "pending", "statusUrl": where}
            return JSONResponse(body, 202, {"Location": where})
        if ended.rejection:
            raise rejection_error(type(command).__name__, ended.rejection, fields)
        if made is None:
            return Response(status_code=204)
        _, _, member_id = ended.owner.partition("/")
        act = EventContext(cause_id=asked.command_id, store=asked.store, member_id=member_id, now=asked.at)
        return JSONResponse(made(act))


def rejection_error(
    command: str, rejection: tuple[str, str, str], fields: Mapping[str, str]
) -> Invalid | Conflict:
    field, value, reason = rejection
    path = fields.get(field) or ".".join(to_camel(part) for part in field.split("."))
    complaint = Complaint(path, f"{shorten_json(value)} {reason}.", "refused", value)
    conflict = field in CONFLICT_FIELDS or f"{command}.{field}" in CONFLICT_FIELDS
    return Conflict(complaint) if conflict else Invalid(complaint)

"""/api/{storeCode}/member…: accounts of members, and their tiers."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from api.auth.scopes import requires
from api.contract.fields import MEMBER, Line, Model, Uuid
from api.contract.json_body import Router
from api.contract.profiles import FIELDS, CustomerBody, profile_of
from api.services.command_service import Asked, Desk
from streams.domain import identifiers
from streams.domain.commands import (
    ActivateMember,
    AssignTier,
    ChangeOwnEmail,
    ChangeOwnPhone,
    Command,
    ConfirmChange,
    DeactivateMember,
    RegisterMember,
    RemoveManualTier,
    RequestPasswordReset,
    SendActivationCode,
    SignUpMember,
    UpdateMember,
)
from streams.domain.event_context import EventContext
from streams.domain.ids import derived_id

Member = Annotated[str, MEMBER]


class CodeBody(Model):
    code: Line


class EmailBody(Model):
    email: Line


class PhoneBody(Model):
    phone: Line


class TierBody(Model):
    level_id: Uuid


class TierSetBody(Model):
    tier_set_id: Uuid


class UsernameBody(Model):
    username: Line


@dataclass(frozen=True, slots=True)
class Action:
    """A command about the member in the path; the body's fields are the command's."""

    path: str
    command: type[Command]
    summary: str
    body: type[Model] | None = None
    sends_code: bool = False


ACTIONS = (
    Action("deactivate", DeactivateMember, "Close an account"),
    Action("send-code", SendActivationCode, "Send a code to activate with", sends_code=True),
    Action("tier", AssignTier, "Put a member into a tier by hand", TierBody),
    Action("remove-manually-level", RemoveManualTier, "Let the rules decide the tier again", TierSetBody),
    Action("change-email", ChangeOwnEmail, "A member wants another e-mail", EmailBody, sends_code=True),
    Action("change-phone", ChangeOwnPhone, "A member wants another phone", PhoneBody, sends_code=True),
    Action("confirm-change", ConfirmChange, "A member has received the code", CodeBody),
)


def routes(desk: Desk) -> APIRouter:
    """What changes accounts. Members that are named by what they are known by are found a moment after they
    are known by it."""
    router = Router(prefix="/api/{storeCode}", tags=["members"], dependencies=[requires("commands")])
    head, coded = Depends(desk.asked), Depends(desk.asked_for_a_code)

    @router.post("/member", summary="Open an account")
    async def register(asked: Annotated[Asked, head], body: CustomerBody) -> Response:
        return await _open(desk, asked, body, RegisterMember)

    @router.post("/member/register", summary="A member registers, to be activated with a code")
    async def sign_up(asked: Annotated[Asked, coded], body: CustomerBody) -> Response:
        return await _open(desk, asked, body, SignUpMember)

    @router.put("/member/{member}", summary="Replace a member's profile", status_code=204)
    async def update(asked: Annotated[Asked, head], member: Member, body: CustomerBody) -> Response:
        """What is absent from it is unset; `registeredAt` stays as it is."""
        member_id, customer = await desk.member(asked.store, member), body.customer
        before = await desk.profile(asked.store, member_id)
        profile = profile_of(customer, desk.settings(asked.store).identifier_rules, before)
        command = UpdateMember(**asked.head(member_id), profile=profile, registered_at=customer.registered_at)
        return await desk.answer(asked, command, FIELDS)

    @router.post("/member/{member}/activate", summary="Activate an account", status_code=204)
    async def activate(
        asked: Annotated[Asked, head], member: Member, body: CodeBody | None = None
    ) -> Response:
        """With the code that the member was sent; an administrator needs none."""
        member_id = await desk.member(asked.store, member)
        command = ActivateMember(**asked.head(member_id), code=body.code if body else None)
        return await desk.answer(asked, command, {})

    @router.post("/member/resend-code", summary="Send the code again", status_code=204)
    async def resend(asked: Annotated[Asked, coded], body: PhoneBody) -> Response:
        member_id = await desk.member_in(asked.store, f"phone={body.phone}", "phone")
        return await desk.answer(asked, SendActivationCode(**asked.head(member_id)), {})

    @router.post("/member/password/reset/request", summary="A password is forgotten", status_code=204)
    async def forgotten(asked: Annotated[Asked, coded], body: UsernameBody) -> Response:
        """`username`: the e-mail address, phone or card number."""
        member_id = await _known_as(desk, asked.store, body.username)
        return await desk.answer(asked, RequestPasswordReset(**asked.head(member_id)), {})

    for action in ACTIONS:
        _route(router, desk, action)
    return router


def _route(router: APIRouter, desk: Desk, action: Action) -> None:
    command, head = action.command, Depends(desk.asked_for_a_code if action.sends_code else desk.asked)

    async def bare(asked: Annotated[Asked, head], member: Member) -> Response:
        return await desk.answer(asked, command(**asked.head(await desk.member(asked.store, member))), {})

    async def full(asked: Annotated[Asked, head], member: Member, body: Any) -> Response:
        member_id = await desk.member(asked.store, member)
        return await desk.answer(asked, command(**asked.head(member_id), **body.model_dump()), {})

    full.__annotations__["body"] = action.body
    router.add_api_route(
        f"/member/{{member}}/{action.path}",
        full if action.body else bare,
        methods=["POST"],
        summary=action.summary,
        description=command.__doc__,
        status_code=204,
        name=command.__name__,
    )


async def _open(
    desk: Desk, asked: Asked, body: CustomerBody, command: type[RegisterMember] | type[SignUpMember]
) -> Response:
    rules = desk.settings(asked.store).identifier_rules
    profile = profile_of(body.customer, rules)

    def made(act: EventContext) -> object:
        return {"customerId": act.member_id, "email": identifiers.read("email", profile.email, rules)}

    opening = command(
        **asked.head(derived_id(asked.store, "member", asked.command_id)),
        profile=profile,
        registered_at=body.customer.registered_at,
    )
    return await desk.answer(asked, opening, FIELDS, made)


async def _known_as(desk: Desk, store: str, username: str) -> str:
    kind = "email" if "@" in username else "phone"
    found = await desk.found(store, f"{kind}={username}")
    return found or await desk.member_in(store, f"loyaltyCardNumber={username}", "username")

"""/api/{storeCode}/member…: accounts of members, and their tiers."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from api.auth.scopes import require_scope
from api.contract.fields import MEMBER_PATH, BodyModel, TextLine, Uuid
from api.contract.json_body import Router
from api.contract.profiles import PROFILE_FIELDS, CustomerBody, profile_of
from api.services.command_service import ChangeRequest, CommandService
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

MemberPath = Annotated[str, MEMBER_PATH]


class CodeBody(BodyModel):
    code: TextLine


class EmailBody(BodyModel):
    email: TextLine


class PhoneBody(BodyModel):
    phone: TextLine


class TierBody(BodyModel):
    level_id: Uuid


class TierSetBody(BodyModel):
    tier_set_id: Uuid


class UsernameBody(BodyModel):
    username: TextLine


@dataclass(frozen=True, slots=True)
class MemberAction:
    """A command about the member in the path; the body's fields are the command's."""

    path: str
    command: type[Command]
    summary: str
    body: type[BodyModel] | None = None
    sends_code: bool = False


MEMBER_ACTIONS = (
    MemberAction("deactivate", DeactivateMember, "Close an account"),
    MemberAction("send-code", SendActivationCode, "Send a code to activate with", sends_code=True),
    MemberAction("tier", AssignTier, "Put a member into a tier by hand", TierBody),
    MemberAction(
        "remove-manually-level", RemoveManualTier, "Let the rules decide the tier again", TierSetBody
    ),
    MemberAction("change-email", ChangeOwnEmail, "A member wants another e-mail", EmailBody, sends_code=True),
    MemberAction("change-phone", ChangeOwnPhone, "A member wants another phone", PhoneBody, sends_code=True),
    MemberAction("confirm-change", ConfirmChange, "A member has received the code", CodeBody),
)


def routes(command_service: CommandService) -> APIRouter:
    """What changes accounts. Members that are named by what they are known by are found a moment after they
    are known by it."""
    router = Router(prefix="/api/{storeCode}", tags=["members"], dependencies=[require_scope("commands")])
    head, coded = Depends(command_service.asked), Depends(command_service.asked_for_a_code)

    @router.post("/member", summary="Open an account")
    async def register(asked: Annotated[ChangeRequest, head], body: CustomerBody) -> Response:
        return await _open(command_service, asked, body, RegisterMember)

    @router.post("/member/register", summary="A member registers, to be activated with a code")
    async def sign_up(asked: Annotated[ChangeRequest, coded], body: CustomerBody) -> Response:
        return await _open(command_service, asked, body, SignUpMember)

    @router.put("/member/{member}", summary="Replace a member's profile", status_code=204)
    async def update(
        asked: Annotated[ChangeRequest, head], member: MemberPath, body: CustomerBody
    ) -> Response:
        """What is absent from it is unset; `registeredAt` stays as it is."""
        member_id, customer = await command_service.member(asked.store, member), body.customer
        before = await command_service.profile(asked.store, member_id)
        profile = profile_of(customer, command_service.settings(asked.store).identifier_rules, before)
        command = UpdateMember(**asked.head(member_id), profile=profile, registered_at=customer.registered_at)
        return await command_service.answer(asked, command, PROFILE_FIELDS)

    @router.post("/member/{member}/activate", summary="Activate an account", status_code=204)
    async def activate(
        asked: Annotated[ChangeRequest, head], member: MemberPath, body: CodeBody | None = None
    ) -> Response:
        """With the code that the member was sent; an administrator needs none."""
        member_id = await command_service.member(asked.store, member)
        command = ActivateMember(**asked.head(member_id), code=body.code if body else None)
        return await command_service.answer(asked, command, {})

    @router.post("/member/resend-code", summary="Send the code again", status_code=204)
    async def resend(asked: Annotated[ChangeRequest, coded], body: PhoneBody) -> Response:
        member_id = await command_service.member_in(asked.store, f"phone={body.phone}", "phone")
        return await command_service.answer(asked, SendActivationCode(**asked.head(member_id)), {})

    @router.post("/member/password/reset/request", summary="A password is forgotten", status_code=204)
    async def forgotten(asked: Annotated[ChangeRequest, coded], body: UsernameBody) -> Response:
        """`username`: the e-mail address, phone or card number."""
        member_id = await _known_as(command_service, asked.store, body.username)
        return await command_service.answer(asked, RequestPasswordReset(**asked.head(member_id)), {})

    for action in MEMBER_ACTIONS:
        _route(router, command_service, action)
    return router


def _route(router: APIRouter, command_service: CommandService, action: MemberAction) -> None:
    command, head = (
        action.command,
        Depends(command_service.asked_for_a_code if action.sends_code else command_service.asked),
    )

    async def bare(asked: Annotated[ChangeRequest, head], member: MemberPath) -> Response:
        return await command_service.answer(
            asked, command(**asked.head(await command_service.member(asked.store, member))), {}
        )

    async def full(asked: Annotated[ChangeRequest, head], member: MemberPath, body: Any) -> Response:
        member_id = await command_service.member(asked.store, member)
        return await command_service.answer(asked, command(**asked.head(member_id), **body.model_dump()), {})

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
    command_service: CommandService,
    asked: ChangeRequest,
    body: CustomerBody,
    command: type[RegisterMember] | type[SignUpMember],
) -> Response:
    rules = command_service.settings(asked.store).identifier_rules
    profile = profile_of(body.customer, rules)

    def made(act: EventContext) -> object:
        return {"customerId": act.member_id, "email": identifiers.read("email", profile.email, rules)}

    opening = command(
        **asked.head(derived_id(asked.store, "member", asked.command_id)),
        profile=profile,
        registered_at=body.customer.registered_at,
    )
    return await command_service.answer(asked, opening, PROFILE_FIELDS, made)


async def _known_as(command_service: CommandService, store: str, username: str) -> str:
    kind = "email" if "@" in username else "phone"
    found = await command_service.found(store, f"{kind}={username}")
    return found or await command_service.member_in(store, f"loyaltyCardNumber={username}", "username")

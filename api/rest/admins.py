"""/api/admin/… and /api/token/…: who logs in, and the API keys of admins."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException

from api.auth.audit import AuditedLog
from api.auth.authentication import Principal, client_address, new_key
from api.auth.logins import LoginService, TokenExpired, TooManyLogins
from api.auth.principals import Principals
from api.auth.scopes import require_scope
from api.contract.fields import Moment, TextLine
from api.contract.json_body import Router
from api.problems import Complaint, Invalid
from streams.access import SCOPES, Admin, ApiKey, Scope
from streams.webhooks.parts import iso_instant

UUID_PATH_PATTERN = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
AdminId = Annotated[str, Path(alias="admin", pattern=UUID_PATH_PATTERN)]
ApiKeyId = Annotated[str, Path(alias="apiKey", pattern=UUID_PATH_PATTERN)]
MAX_KEYS = 100
"""Of one admin."""


class LoginBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    username: Annotated[str, Field(max_length=255, examples=["anna"])]
    password: Annotated[str, Field(max_length=255)]


class RefreshBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    refresh_token: Annotated[str, Field(max_length=4096)]


class ApiKeyBody(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", populate_by_name=True)

    name: Annotated[TextLine, Field(examples=["till"])]
    expiration_date: Moment | None = Field(None, description="From then on the key is refused.")
    scopes: list[Scope] | None = Field(None, description="At most the caller's own; absent: all of those.")
    stores: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]] | None = Field(
        None, max_length=100, description="Codes; at most the caller's own; absent: all of those."
    )


class ApiKeyCreationBody(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", populate_by_name=True)

    api_key: ApiKeyBody


@dataclass(frozen=True, slots=True)
class ApiKeyService:
    """What the routes do, apart from HTTP. `logins` None: there is no key to sign tokens with."""

    principals: Principals
    keys: AuditedLog[ApiKey]
    logins: LoginService | None
    now: Callable[[], datetime]

    def admin(self, admin_id: str, caller: Principal) -> Admin:
        """Raises 404 where there is none, 403 where it may do what the caller may not."""
        found = self.principals.admin(admin_id)
        if found is None:
            raise HTTPException(404)
        if not caller.governs(found):
            raise HTTPException(403, "Forbidden.")
        return found

    async def created(self, admin_id: str, body: ApiKeyBody, caller: Principal) -> tuple[str, ApiKey]:
        """The key, told this once, and what is kept of it. Raises Invalid."""
        admin, (token, digest), now = self.admin(admin_id, caller), new_key(), self.now()
        if body.expiration_date and body.expiration_date <= now:
            raise Invalid(Complaint("apiKey.expirationDate", "That time is over.", "past"))
        scopes, stores = _granted(admin, body, caller)
        key = ApiKey(
            api_key_id=str(uuid4()),
            admin_id=admin_id,
            name=body.name,
            digest=digest,
            created_at=now,
            scopes=scopes,
            stores=stores,
            expires_at=body.expiration_date,
            made_by=caller.maker,
        )

        def made(_: ApiKey | None) -> ApiKey:
            if len(self.principals.keys_of(admin_id)) >= MAX_KEYS:
                raise Invalid(Complaint("apiKey", f"An admin has at most {MAX_KEYS} keys.", "too_many"))
            return key

        await self.keys.change(key.api_key_id, made)
        return token, key

    async def revoke(self, admin_id: str, api_key_id: str, caller: Principal) -> None:
        def made(found: ApiKey | None) -> None:
            if found is None or found.admin_id != admin_id:
                raise HTTPException(404)

        self.admin(admin_id, caller)
        await self.keys.change(api_key_id, made)


def _granted(admin: Admin, body: ApiKeyBody, caller: Principal) -> tuple[tuple[Scope, ...], tuple[str, ...]]:
    """Nobody hands on more than both have: who asks for the key, and whose it will be."""
    may = [scope for scope in SCOPES if scope in caller.scopes and scope in admin.scopes]
    beyond = [scope for scope in body.scopes or () if scope not in may]
    if beyond:
        message = f"No key can be given with {', '.join(beyond)}; valid: {', '.join(may) or 'none'}."
        raise Invalid(Complaint("apiKey.scopes", message, "beyond"))
    wanted = may if body.scopes is None else [scope for scope in SCOPES if scope in body.scopes]
    limits = [set(limit) for limit in (caller.stores, admin.stores) if limit]
    allowed = set.intersection(*limits) if limits else None
    stores = set(body.stores or (allowed or ()))
    if allowed is not None and (not stores or not stores <= allowed):
        message = f"No key can be given for other stores than {', '.join(sorted(allowed)) or 'none'}."
        raise Invalid(Complaint("apiKey.stores", message, "beyond"))
    return tuple(wanted), tuple(sorted(stores))


def _row(key: ApiKey) -> dict[str, Any]:
    return {
        "apiKeyId": key.api_key_id,
        "adminId": key.admin_id,
        "name": key.name,
        "legacy": False,
        "expirationDate": iso_instant(key.expires_at) if key.expires_at else None,
        "createdAt": iso_instant(key.created_at),
        "scopes": list(key.scopes),
        "stores": list(key.stores),
    }


def routes(access: ApiKeyService) -> APIRouter:
    router = Router(tags=["access"])
    keys, allowed = "/api/admin/{admin}/api-key", [require_scope("admin")]

    @router.post("/api/admin/login_check", summary="Log in")
    async def login(body: LoginBody, request: Request) -> JSONResponse:
        """A token for `Authorization: Bearer`, good for a day; at most 40 tries a minute for an address and
        for a name. Who has logged in from there before is counted apart from all others."""
        logins, now = _logins(access), access.now()
        try:
            admin = await logins.login(body.username, body.password, client_address(request.scope), now)
        except TooManyLogins as many:
            raise _later(many) from None
        if admin is None:
            return JSONResponse({"message": "Bad credentials."}, 401)
        return JSONResponse(logins.granted(admin, now))

    @router.post("/api/token/refresh", summary="A new token for a refresh token")
    async def refresh(body: RefreshBody, request: Request) -> JSONResponse:
        """Good for a month from the login, until the password is changed."""
        logins, now = _logins(access), access.now()
        try:
            admin = logins.refreshed(body.refresh_token, client_address(request.scope), now)
        except TooManyLogins as many:
            raise _later(many) from None
        except TokenExpired:
            return JSONResponse({"code": 401, "message": "TokenExpired JWT Token."}, 401)
        if admin is None:
            return JSONResponse({"code": 401, "message": "Invalid JWT Token"}, 401)
        return JSONResponse(logins.granted(admin, now))

    @router.get(keys, summary="List an admin's API keys", dependencies=allowed)
    async def index(admin_id: AdminId, request: Request) -> JSONResponse:
        """Of an admin who may do nothing that the caller may not: others are not theirs to see."""
        await access.keys.current()
        access.admin(admin_id, request.state.caller)
        return JSONResponse({"items": [_row(key) for key in access.principals.keys_of(admin_id)]})

    @router.post(keys, summary="Make an API key", dependencies=allowed)
    async def create(admin_id: AdminId, body: ApiKeyCreationBody, request: Request) -> JSONResponse:
        """The `token` is told this once; it goes into the header `X-AUTH-TOKEN`. It may never do more than
        its admin and its maker may, as they are then: it ends with either of them."""
        token, key = await access.created(admin_id, body.api_key, request.state.caller)
        return JSONResponse({**_row(key), "token": token})

    @router.delete(
        f"{keys}/{{apiKey}}",
        summary="Revoke an API key",
        status_code=204,
        response_class=Response,
        dependencies=allowed,
    )
    async def revoke(admin_id: AdminId, api_key_id: ApiKeyId, request: Request) -> None:
        """Refused from now on, by every process within moments; and so is every key that was made with it."""
        await access.revoke(admin_id, api_key_id, request.state.caller)

    return router


def _logins(access: ApiKeyService) -> LoginService:
    if access.logins is None:
        raise HTTPException(503, "Nobody can log in: LOYALTY_SECRET_KEY is not set.")
    return access.logins


def _later(many: TooManyLogins) -> HTTPException:
    seconds = str(int(many.wait.total_seconds()) + 1)
    return HTTPException(429, "Too many tries.", {"Retry-After": seconds})

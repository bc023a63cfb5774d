"""/api/{storeCode}/settings and /campaign: what a store sets."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from msgspec.structs import replace
from pydantic import Field
from pydantic.alias_generators import to_camel, to_snake
from starlette.exceptions import HTTPException

from api.auth.audit import AuditedLog
from api.auth.scopes import require_scope
from api.contract.checked_json import Problem, Unfit, decode_checked
from api.contract.fields import BodyModel, JsonTree, StoreCode, id_in_path
from api.contract.json_body import Router, write_json
from api.contract.listing import Column, page
from api.contract.member_bodies import exact_json
from api.contract.revisions import CHANGED_ANSWER, SeenRevision, etag, require_revision
from api.problems import Complaint, Invalid, invalid_value
from api.rest import lead_times
from api.rest.lead_times import NotificationDays
from streams.codec.round_trip import find_unwritable
from streams.domain.rules import Campaign
from streams.domain.store import StoreSettings

CAMPAIGN_COLUMNS: dict[str, Column[Campaign]] = {
    "campaignId": Column("text", lambda c: c.campaign_id),
    "name": Column("text", lambda c: c.name),
    "trigger": Column("text", lambda c: c.trigger),
    "active": Column("flag", lambda c: c.active),
}
CampaignId = Annotated[str, id_in_path("campaign")]


class StoreSettingsBody(BodyModel):
    settings: NotificationDays


class CampaignBody(BodyModel):
    campaign: Annotated[
        dict[str, JsonTree],
        Field(
            description="As in the file of `loyalty store put`, its names in camelCase; without campaignId.",
            examples=[{"name": "Ten a dollar", "trigger": "transaction", "pointsPerCurrencyUnit": 10}],
        ),
    ]


@dataclass(frozen=True, slots=True)
class StoreSettingsService:
    """Changes come one after the other, of whichever process: none overwrites another unseen."""

    stores: Callable[[str], StoreSettings | None]
    log: AuditedLog[StoreSettings]

    async def store(self, code: str) -> StoreSettings:
        """As of now. Raises 404."""
        await self.log.current()
        found = self.stores(code)
        if found is None:
            raise HTTPException(404)
        return found

    async def change(
        self,
        code: str,
        path: str,
        change: Callable[[StoreSettings], StoreSettings],
        revision: int | None = None,
    ) -> None:
        """Raises Invalid, for `path`, where the settings would not fit together; 412 where they are not at
        `revision` any more; 404."""

        def made(before: StoreSettings | None) -> StoreSettings:
            if before is None:
                raise HTTPException(404)
            require_revision(before.revision, revision)
            changed = change(before)
            if changed == before:
                return before
            try:
                changed.check()
            except ValueError as error:
                raise Invalid(Complaint(path, f"{error}.", "invalid")) from None
            return replace(changed, revision=before.revision + 1)

        await self.log.change(code, made)


def routes(programme: StoreSettingsService) -> APIRouter:
    router = Router(prefix="/api/{storeCode}", tags=["settings"])
    reading, admin = [require_scope("read")], [require_scope("admin")]

    @router.get("/settings", summary="How long before an end members are told", dependencies=reading)
    async def settings(store: StoreCode) -> JSONResponse:
        return _told(await programme.store(store))

    @router.patch("/settings", summary="Change that", responses=CHANGED_ANSWER, dependencies=admin)
    async def patch(store: StoreCode, body: StoreSettingsBody, seen: SeenRevision) -> JSONResponse:
        """What is not given stays as it is."""
        return await _set(programme, store, body, seen)

    @router.post("/settings", summary="Change that", responses=CHANGED_ANSWER, dependencies=admin)
    async def post(store: StoreCode, body: StoreSettingsBody, seen: SeenRevision) -> JSONResponse:
        """As PATCH."""
        return await _set(programme, store, body, seen)

    @router.get("/campaign", summary="List campaigns", dependencies=reading)
    async def campaigns(store: StoreCode, request: Request) -> Response:
        """Filters, order and pages as of the list of subscriptions."""
        found = await programme.store(store)
        rows = sorted(found.campaigns, key=_place)
        return exact_json(page(rows, request.query_params.multi_items(), CAMPAIGN_COLUMNS, _place, _camel))

    @router.get("/campaign/{campaign}", summary="Read a campaign", dependencies=reading)
    async def campaign(store: StoreCode, campaign: CampaignId) -> Response:
        found = await programme.store(store)
        one = next((each for each in found.campaigns if each.campaign_id == campaign), None)
        if one is None:
            raise HTTPException(404)
        return exact_json(_camel(one))

    @router.post("/campaign", summary="Add a campaign", responses=CHANGED_ANSWER, dependencies=admin)
    async def create(store: StoreCode, body: CampaignBody, seen: SeenRevision) -> JSONResponse:
        """Acts from now on, as far as its dates say. If-Match takes the ETag of the settings."""
        campaign_id = str(uuid.uuid4())
        made = _campaign(campaign_id, body.campaign)

        def added(before: StoreSettings) -> StoreSettings:
            return replace(before, campaigns=(*before.campaigns, made))

        await programme.change(store, "campaign", added, seen)
        return JSONResponse({"campaignId": campaign_id})

    return router


def _place(campaign: Campaign) -> tuple[str, ...]:
    return campaign.name, campaign.campaign_id


async def _set(
    programme: StoreSettingsService, store: str, body: StoreSettingsBody, seen: int | None
) -> JSONResponse:
    await programme.change(
        store, "settings", lambda before: lead_times.with_lead_times(before, body.settings), seen
    )
    return _told(await programme.store(store))


def _told(store: StoreSettings) -> JSONResponse:
    return JSONResponse({"settings": lead_times.shown(store)}, headers=etag(store.revision))


def _campaign(campaign_id: str, said: dict[str, Any]) -> Campaign:
    """Raises Invalid naming the field."""
    try:
        tree = {**_snake(said), "campaign_id": campaign_id}
        made = decode_checked(Campaign, write_json(tree).encode(), to_camel)
    except Unfit as error:
        raise Invalid(*map(_complaint, error.problems)) from None
    for unkept in find_unwritable(made, "campaign"):
        raise invalid_value(unkept)
    return made


def _complaint(problem: Problem) -> Complaint:
    text = str(problem)
    path = f"campaign.{problem.path}".rstrip(".")
    return Complaint(path, text if text.endswith("?") else f"{text}.", "invalid")


def _snake(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {to_snake(key): _snake(value) for key, value in tree.items()}
    return [_snake(each) for each in tree] if isinstance(tree, list) else tree


def _camel(tree: Any) -> Any:
    if isinstance(tree, msgspec.Struct):
        return _camel(msgspec.structs.asdict(tree))
    if isinstance(tree, dict):
        return {to_camel(key): _camel(value) for key, value in tree.items()}
    return [_camel(each) for each in tree] if isinstance(tree, tuple) else tree

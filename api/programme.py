"""/api/{storeCode}/settings and /campaign: what a store sets."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from msgspec.structs import replace
from pydantic import Field
from pydantic.alias_generators import to_camel, to_snake
from starlette.exceptions import HTTPException

from api import lead_times
from api.access import requires
from api.errors import Complaint, Invalid
from api.fields import Model, StoreCode, id_in_path
from api.json_body import Router, write_json
from api.lead_times import NotificationDays
from api.listing import Column, page
from api.views import exact
from streams.domain.rules import Campaign
from streams.domain.store import StoreSettings

COLUMNS: dict[str, Column[Campaign]] = {
    "campaignId": Column("text", lambda c: c.campaign_id),
    "name": Column("text", lambda c: c.name),
    "trigger": Column("text", lambda c: c.trigger),
    "active": Column("flag", lambda c: c.active),
}
CampaignId = Annotated[str, id_in_path("campaign")]


class SettingsLog(Protocol):
    async def write(self, key: str, value: StoreSettings | None) -> None:
        """Durable, and seen by `stores`, when it returns. Raises Retryable."""

    async def current(self) -> None:
        """Returns once `stores` knows all that was written before, by whichever process."""


class SettingsBody(Model):
    settings: NotificationDays


class CampaignBody(Model):
    campaign: Annotated[
        dict[str, Any],
        Field(
            description="As in the file of `loyalty store put`, its names in camelCase; without campaignId.",
            examples=[{"name": "Ten a dollar", "trigger": "transaction", "pointsPerCurrencyUnit": 10}],
        ),
    ]


@dataclass(frozen=True, slots=True)
class Programme:
    """Changes of one process come one after the other; of two at the same moment, one process's is lost."""

    stores: Callable[[str], StoreSettings | None]
    log: SettingsLog
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def store(self, code: str) -> StoreSettings:
        """As of now. Raises 404."""
        await self.log.current()
        found = self.stores(code)
        if found is None:
            raise HTTPException(404)
        return found

    async def change(self, code: str, path: str, change: Callable[[StoreSettings], StoreSettings]) -> None:
        """Raises Invalid, for `path`, where the settings would not fit together."""
        async with self.turn:
            changed = change(await self.store(code))
            try:
                changed.check()
            except ValueError as error:
                raise Invalid(Complaint(path, f"{error}.", "invalid")) from None
            await self.log.write(code, changed)


def routes(programme: Programme) -> APIRouter:
    router = Router(prefix="/api/{storeCode}", tags=["settings"])
    reading, admin = [requires("read")], [requires("admin")]

    @router.get("/settings", summary="How long before an end members are told", dependencies=reading)
    async def settings(store: StoreCode) -> JSONResponse:
        return JSONResponse({"settings": lead_times.shown(await programme.store(store))})

    @router.patch("/settings", summary="Change that", dependencies=admin)
    async def patch(store: StoreCode, body: SettingsBody) -> JSONResponse:
        """What is not given stays as it is."""
        return await _set(programme, store, body)

    @router.post("/settings", summary="Change that", dependencies=admin)
    async def post(store: StoreCode, body: SettingsBody) -> JSONResponse:
        """As PATCH."""
        return await _set(programme, store, body)

    @router.get("/campaign", summary="List campaigns", dependencies=reading)
    async def campaigns(store: StoreCode, request: Request) -> Response:
        """Filters, order and pages as of the list of subscriptions."""
        found = await programme.store(store)
        rows = sorted(found.campaigns, key=_place)
        return exact(page(rows, request.query_params.multi_items(), COLUMNS, _place, _camel))

    @router.get("/campaign/{campaign}", summary="Read a campaign", dependencies=reading)
    async def campaign(store: StoreCode, campaign: CampaignId) -> Response:
        found = await programme.store(store)
        one = next((each for each in found.campaigns if each.campaign_id == campaign), None)
        if one is None:
            raise HTTPException(404)
        return exact(_camel(one))

    @router.post("/campaign", summary="Add a campaign", dependencies=admin)
    async def create(store: StoreCode, body: CampaignBody) -> JSONResponse:
        """Acts from now on, as far as its dates say."""
        campaign_id = str(uuid.uuid4())
        made = _campaign(campaign_id, body.campaign)
        await programme.change(
            store, "campaign", lambda before: replace(before, campaigns=(*before.campaigns, made))
        )
        return JSONResponse({"campaignId": campaign_id})

    return router


def _place(campaign: Campaign) -> tuple[str, ...]:
    return campaign.name, campaign.campaign_id


async def _set(programme: Programme, store: str, body: SettingsBody) -> JSONResponse:
    await programme.change(store, "settings", lambda before: lead_times.changed(before, body.settings))
    return JSONResponse({"settings": lead_times.shown(await programme.store(store))})


def _campaign(campaign_id: str, said: dict[str, Any]) -> Campaign:
    """Raises Invalid naming the field."""
    try:
        tree = {**_snake(said), "campaign_id": campaign_id}
        return msgspec.json.decode(write_json(tree), type=Campaign)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$.")
        where = ".".join(["campaign", *([to_camel(path.rstrip("`"))] if path else [])])
        raise Invalid(Complaint(where, f"{reason}.", "invalid")) from None


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

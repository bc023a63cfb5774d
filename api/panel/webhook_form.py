"""Adding a subscription, and changing one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import ValidationError

from api.auth.scopes import requires
from api.contract import subscription_bodies
from api.panel import subscription_form
from api.panel.pages import Pages, led_to
from api.panel.session_guard import StoreOf, SubscriptionId
from api.panel.subscription_form import Filled
from api.problems import Changed, Invalid
from api.services.sample_delivery import example_body
from api.services.subscriptions import Webhooks
from connectors.http.signing_keys import PUBLIC
from streams.delivery.records import Subscription
from streams.delivery.subscription import ANY_EVENT
from streams.domain.store import StoreSettings
from streams.webhooks import CATALOGUE

CHANGED_SINCE = (
    "Somebody has changed this webhook since you opened the page. What you typed is still here: open the "
    "webhook in another tab to see the change, and add this again."
)
OPERATORS = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "exists")


@dataclass(frozen=True, slots=True)
class About:
    """What a kind of webhook is, for whoever chooses."""

    name: str
    legacy_type: str
    description: str
    triggers: tuple[str, ...]
    body: bytes
    legacy_body: bytes


def about(name: str, store: str, at: datetime) -> About | None:
    """None where no one kind is chosen."""
    entry = CATALOGUE.get(name)
    if entry is None:
        return None
    bodies_ = (example_body(name, store, at, legacy=legacy) for legacy in (False, True))
    return About(name, entry.legacy_type, entry.description, entry.triggers, *bodies_)


def routes(pages: Pages, webhooks: Webhooks) -> APIRouter:
    router = APIRouter(dependencies=[requires("subscriptions")])
    _adding(router, pages, webhooks)
    _changing(router, pages, webhooks)
    return router


def _adding(router: APIRouter, pages: Pages, webhooks: Webhooks) -> None:
    def shown(request: Request, store: StoreSettings, filled: Filled, **more: Any) -> Response:
        return _form(pages, request, store, filled, webhooks.now(), **more)

    @router.get("/{store}/webhooks/new")
    async def new(
        request: Request, store: StoreOf, event: Annotated[str, Query(alias="eventName")] = ""
    ) -> Response:
        return shown(request, store, Filled({"eventName": event if event in CATALOGUE else ""}))

    @router.post("/{store}/webhooks/new")
    async def create(request: Request, store: StoreOf) -> Response:
        sent = await request.form(max_files=0)
        filled = subscription_form.read(sent)
        if not sent.get("save"):
            return shown(request, store, filled)
        try:
            body = subscription_bodies.Creation.model_validate(
                subscription_form.tree(filled, ZoneInfo(store.time_zone))
            )
            made = await webhooks.create(store.store, body)
        except (Invalid, ValidationError) as error:
            return shown(request, store, filled, errors=subscription_form.problems(error), status=400)
        return saved(pages, request, store, made, "added")

    @router.get("/{store}/webhook-example")
    async def example(
        request: Request, store: StoreOf, event: Annotated[str, Query(alias="eventName")] = ""
    ) -> Response:
        """The part of the form that tells of the chosen event."""
        return pages.page(request, "webhook_about", store, about=about(event, store.store, webhooks.now()))


def _changing(router: APIRouter, pages: Pages, webhooks: Webhooks) -> None:
    def shown(
        request: Request, store: StoreSettings, found: Subscription, filled: Filled, **more: Any
    ) -> Response:
        return _form(pages, request, store, filled, webhooks.now(), found=found, **more)

    @router.get("/{store}/webhooks/{webhook}/edit")
    async def edit(request: Request, store: StoreOf, subscription_id: SubscriptionId) -> Response:
        found = await webhooks.one(store.store, subscription_id)
        filled = subscription_form.of(
            subscription_bodies.detail(found, webhooks.vault), ZoneInfo(store.time_zone)
        )
        return shown(request, store, found, filled)

    @router.post("/{store}/webhooks/{webhook}/edit")
    async def save(request: Request, store: StoreOf, subscription_id: SubscriptionId) -> Response:
        sent = await request.form(max_files=0)
        filled, found = subscription_form.read(sent), await webhooks.one(store.store, subscription_id)
        if not sent.get("save"):
            return shown(request, store, found, filled)
        try:
            said = {
                **subscription_form.tree(filled, ZoneInfo(store.time_zone)),
                "eventName": found.event_name,
            }
            body = subscription_bodies.Replacement.model_validate(said)
            made = await webhooks.change(
                store.store,
                subscription_id,
                int(filled.text("revision", "-1")),
                lambda current: webhooks.replaced(current, body),
            )
        except (Invalid, ValidationError) as error:
            return shown(request, store, found, filled, errors=subscription_form.problems(error), status=400)
        except Changed:
            return shown(request, store, found, filled, errors={"form": CHANGED_SINCE}, status=412)
        return saved(pages, request, store, made, "saved")


def _form(
    pages: Pages,
    request: Request,
    store: StoreSettings,
    filled: Filled,
    now: datetime,
    *,
    found: Subscription | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    return pages.page(
        request,
        "webhook_form",
        store,
        status,
        filled=filled,
        found=found,
        errors=errors or {},
        about=about(filled.text("eventName"), store.store, now),
        events={name: CATALOGUE[name].description for name in sorted(CATALOGUE)},
        any=ANY_EVENT,
        operators=OPERATORS,
    )


def saved(
    pages: Pages, request: Request, store: StoreSettings, made: tuple[Subscription, str | None], done: str
) -> Response:
    """On to its page; but first its secret, which no address may carry."""
    subscription, secret = made
    if secret is None:
        return to_page(request, store, subscription.subscription_id, done)
    public = secret.startswith(PUBLIC)
    return pages.page(
        request, "webhook_secret", store, subscription=subscription, secret=secret, public=public
    )


def to_page(request: Request, store: StoreSettings, subscription_id: str, done: str) -> Response:
    return led_to(request, f"/{store.store}/webhooks/{subscription_id}?done={done}")

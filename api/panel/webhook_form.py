"""Adding a subscription, and changing one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import ValidationError

from api.auth.scopes import require_scope
from api.contract import subscription_bodies
from api.panel import subscription_form
from api.panel.pages import PageRenderer, redirect_to
from api.panel.session_guard import CurrentStore, SubscriptionId
from api.panel.subscription_form import SubscriptionInputs
from api.problems import Changed, Invalid
from api.services.sample_delivery import sample_body
from api.services.subscriptions import SubscriptionService
from connectors.http.signing_keys import PUBLIC
from streams.delivery.records import Subscription
from streams.delivery.subscription import ANY_EVENT
from streams.domain.store import StoreSettings
from streams.webhooks import CATALOGUE

CHANGED_TEXT = (
    "Somebody has changed this webhook since you opened the page. What you typed is still here: open the "
    "webhook in another tab to see the change, and add this again."
)
FILTER_OPERATORS = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "exists")


@dataclass(frozen=True, slots=True)
class EventExample:
    """What a kind of webhook is, for whoever chooses."""

    name: str
    legacy_type: str
    description: str
    triggers: tuple[str, ...]
    body: bytes
    legacy_body: bytes


def event_example(name: str, store: str, at: datetime) -> EventExample | None:
    """None where no one kind is chosen."""
    entry = CATALOGUE.get(name)
    if entry is None:
        return None
    bodies_ = (sample_body(name, store, at, legacy=legacy) for legacy in (False, True))
    return EventExample(name, entry.legacy_type, entry.description, entry.triggers, *bodies_)


def routes(pages: PageRenderer, webhooks: SubscriptionService) -> APIRouter:
    router = APIRouter(dependencies=[require_scope("subscriptions")])
    _adding(router, pages, webhooks)
    _changing(router, pages, webhooks)
    return router


def _adding(router: APIRouter, pages: PageRenderer, webhooks: SubscriptionService) -> None:
    def shown(request: Request, store: StoreSettings, filled: SubscriptionInputs, **more: Any) -> Response:
        return _form(pages, request, store, filled, webhooks.now(), **more)

    @router.get("/{store}/webhooks/new")
    async def new(
        request: Request, store: CurrentStore, event: Annotated[str, Query(alias="eventName")] = ""
    ) -> Response:
        return shown(request, store, SubscriptionInputs({"eventName": event if event in CATALOGUE else ""}))

    @router.post("/{store}/webhooks/new")
    async def create(request: Request, store: CurrentStore) -> Response:
        sent = await request.form(max_files=0)
        filled = subscription_form.read_inputs(sent)
        if not sent.get("save"):
            return shown(request, store, filled)
        try:
            body = subscription_bodies.SubscriptionCreation.model_validate(
                subscription_form.inputs_to_body(filled, ZoneInfo(store.time_zone))
            )
            made = await webhooks.create(store.store, body)
        except (Invalid, ValidationError) as error:
            return shown(request, store, filled, errors=subscription_form.field_problems(error), status=400)
        return save_subscription(pages, request, store, made, "added")

    @router.get("/{store}/webhook-example")
    async def example(
        request: Request, store: CurrentStore, event: Annotated[str, Query(alias="eventName")] = ""
    ) -> Response:
        """The part of the form that tells of the chosen event."""
        return pages.page(
            request, "webhook_about", store, about=event_example(event, store.store, webhooks.now())
        )


def _changing(router: APIRouter, pages: PageRenderer, webhooks: SubscriptionService) -> None:
    def shown(
        request: Request, store: StoreSettings, found: Subscription, filled: SubscriptionInputs, **more: Any
    ) -> Response:
        return _form(pages, request, store, filled, webhooks.now(), found=found, **more)

    @router.get("/{store}/webhooks/{webhook}/edit")
    async def edit(request: Request, store: CurrentStore, subscription_id: SubscriptionId) -> Response:
        found = await webhooks.one(store.store, subscription_id)
        filled = subscription_form.inputs_from_detail(
            subscription_bodies.subscription_detail(found, webhooks.vault), ZoneInfo(store.time_zone)
        )
        return shown(request, store, found, filled)

    @router.post("/{store}/webhooks/{webhook}/edit")
    async def save(request: Request, store: CurrentStore, subscription_id: SubscriptionId) -> Response:
        sent = await request.form(max_files=0)
        filled, found = subscription_form.read_inputs(sent), await webhooks.one(store.store, subscription_id)
        if not sent.get("save"):
            return shown(request, store, found, filled)
        try:
            said = {
                **subscription_form.inputs_to_body(filled, ZoneInfo(store.time_zone)),
                "eventName": found.event_name,
            }
            body = subscription_bodies.SubscriptionReplacement.model_validate(said)
            made = await webhooks.change(
                store.store,
                subscription_id,
                int(filled.text("revision", "-1")),
                lambda current: webhooks.replaced(current, body),
            )
        except (Invalid, ValidationError) as error:
            return shown(
                request, store, found, filled, errors=subscription_form.field_problems(error), status=400
            )
        except Changed:
            return shown(request, store, found, filled, errors={"form": CHANGED_TEXT}, status=412)
        return save_subscription(pages, request, store, made, "saved")


def _form(
    pages: PageRenderer,
    request: Request,
    store: StoreSettings,
    filled: SubscriptionInputs,
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
        about=event_example(filled.text("eventName"), store.store, now),
        events={name: CATALOGUE[name].description for name in sorted(CATALOGUE)},
        any=ANY_EVENT,
        operators=FILTER_OPERATORS,
    )


def save_subscription(
    pages: PageRenderer,
    request: Request,
    store: StoreSettings,
    made: tuple[Subscription, str | None],
    done: str,
) -> Response:
    """On to its page; but first its secret, which no address may carry."""
    subscription, secret = made
    if secret is None:
        return redirect_to_webhook(request, store, subscription.subscription_id, done)
    public = secret.startswith(PUBLIC)
    return pages.page(
        request, "webhook_secret", store, subscription=subscription, secret=secret, public=public
    )


def redirect_to_webhook(request: Request, store: StoreSettings, subscription_id: str, done: str) -> Response:
    return redirect_to(request, f"/{store.store}/webhooks/{subscription_id}?done={done}")

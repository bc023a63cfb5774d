"""One subscription: what it is, how it fares, and what can be done with it."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.auth.scopes import require_scope
from api.contract import subscription_bodies, subscription_options
from api.panel.deliveries import DeliveryFilter, DeliveryPages
from api.panel.pages import PageRenderer, redirect_to
from api.panel.session_guard import CurrentStore, SubscriptionId
from api.panel.webhook_form import redirect_to_webhook, save_subscription
from api.services.endpoint_health import EndpointHealthService
from api.services.sample_delivery import send_sample
from api.services.signing_keys import rotate_key
from api.services.subscriptions import SubscriptionService
from connectors.http import cloud_events
from connectors.http.envelope import envelope
from streams.delivery.records import Subscription
from streams.delivery.subscription import event_names

DoneNote = Literal["", "added", "saved", "paused", "resumed"]
DONE_NOTES: dict[str, str] = {
    "added": "Added. Whatever happens from now on is sent there.",
    "saved": "Saved.",
    "paused": "Paused. What it wants waits until you resume it.",
    "resumed": "Active again: what waited is sent now.",
}


class WebhookPageInputs(DeliveryFilter):
    """What the address asks of the log; and what was done just before."""

    done: DoneNote = ""


def routes(
    pages: PageRenderer, webhooks: SubscriptionService, standings: EndpointHealthService, log: DeliveryPages
) -> APIRouter:
    router = APIRouter()
    _looking(router, pages, webhooks, standings, log)
    _acting(router, pages, webhooks)
    _ending(router, pages, webhooks)
    return router


def _looking(
    router: APIRouter,
    pages: PageRenderer,
    webhooks: SubscriptionService,
    standings: EndpointHealthService,
    log: DeliveryPages,
) -> None:
    @router.get("/{store}/webhooks/{webhook}", dependencies=[require_scope("read")])
    async def one(
        request: Request,
        store: CurrentStore,
        subscription_id: SubscriptionId,
        looked: Annotated[WebhookPageInputs, Query()],
    ) -> Response:
        found = await webhooks.one(store.store, subscription_id)
        return pages.page(
            request,
            "webhook",
            store,
            about=found,
            detail=subscription_bodies.subscription_detail(found, None),
            names=event_names(found),
            standing=standings.of(found),
            note=DONE_NOTES.get(looked.done, ""),
            log=await log.shown(store, looked, found),
        )


def _acting(router: APIRouter, pages: PageRenderer, webhooks: SubscriptionService) -> None:
    allowed = [require_scope("subscriptions")]

    def set_state(path: str, state: Literal["active", "paused"], done: DoneNote) -> None:
        @router.post(f"/{{store}}/webhooks/{{webhook}}/{path}", dependencies=allowed, name=path)
        async def changed(request: Request, store: CurrentStore, subscription_id: SubscriptionId) -> Response:
            def change(current: Subscription) -> tuple[Subscription, None]:
                return subscription_options.with_state(current, state, webhooks.now()), None

            await webhooks.change(store.store, subscription_id, None, change)
            return redirect_to_webhook(request, store, subscription_id, done)

    set_state("pause", "paused", "paused")
    set_state("resume", "active", "resumed")

    @router.post("/{store}/webhooks/{webhook}/test", dependencies=allowed)
    async def test(request: Request, store: CurrentStore, subscription_id: SubscriptionId) -> Response:
        """One example, now; shown is what went and what came back."""
        found = await webhooks.one(store.store, subscription_id)
        sample = await send_sample(found, webhooks.attempt_sender, webhooks.now())
        body = envelope(sample.delivery, sample.request_id, mode=cloud_events.mode_of(sample.delivery, found))
        return pages.page(request, "webhook_test", store, about=found, sample=sample, body=body)

    @router.post("/{store}/webhooks/{webhook}/secret", dependencies=allowed)
    async def rotate(request: Request, store: CurrentStore, subscription_id: SubscriptionId) -> Response:
        found = await webhooks.one(store.store, subscription_id)

        def change(current: Subscription) -> tuple[Subscription, str | None]:
            return rotate_key(current, webhooks.signer, webhooks.now())

        made = await webhooks.change(store.store, subscription_id, found.revision, change)
        return save_subscription(pages, request, store, made, "saved")


def _ending(router: APIRouter, pages: PageRenderer, webhooks: SubscriptionService) -> None:
    allowed = [require_scope("subscriptions")]

    @router.get("/{store}/webhooks/{webhook}/delete", dependencies=allowed)
    async def ask(request: Request, store: CurrentStore, subscription_id: SubscriptionId) -> Response:
        found = await webhooks.one(store.store, subscription_id)
        return pages.page(request, "webhook_delete", store, about=found, names=event_names(found))

    @router.post("/{store}/webhooks/{webhook}/delete", dependencies=allowed)
    async def delete(request: Request, store: CurrentStore, subscription_id: SubscriptionId) -> Response:
        await webhooks.delete(store.store, subscription_id, None)
        return redirect_to(request, f"/{store.store}/webhooks?done=deleted")

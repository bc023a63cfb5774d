"""One delivery: where it stands, each attempt, the request; and trying it again."""

from dataclasses import dataclass
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from api.auth.scopes import require_scope
from api.contract.delivery_bodies import rebuild_request
from api.panel import form_inputs, status_texts
from api.panel.pages import PageRenderer
from api.panel.session_guard import CurrentStore
from api.rest.deliveries import MessageId
from api.services.dead_letters import DeadLetterService
from api.services.deliveries import DeliveryQueries
from api.services.endpoint_health import EndpointHealth, EndpointHealthService
from api.services.subscriptions import SubscriptionService
from streams.delivery.delivery_search import DeliveryDetails
from streams.delivery.delivery_state import DeliveryState
from streams.delivery.records import Subscription

NOTES = {
    "redriven": "It is on its way again, with all its tries before it. What comes of it shows here.",
    "replayed": "It is sent once more, with the same message id. What comes of it shows here.",
}


@dataclass(frozen=True, slots=True)
class CurrentStatus:
    """Where a delivery stands, and what stands in the way of trying it again: None where nothing does."""

    sentence: str
    obstacle: str | None


def current_status(
    known: DeliveryState, subscription: Subscription | None, standing: EndpointHealth | None
) -> CurrentStatus:
    if subscription is None or standing is None:
        return CurrentStatus(
            _sentence(known, None), "Its webhook is deleted: nothing is sent to it any more."
        )
    obstacle = None
    if known.status in {"pending", "retrying"}:
        obstacle = "It is on its way: it is tried without being asked."
    elif subscription.state != "active":
        obstacle = f"Its webhook is {subscription.state}: set it active first."
    return CurrentStatus(_sentence(known, standing), obstacle)


def _sentence(known: DeliveryState, standing: EndpointHealth | None) -> str:
    match known.status:
        case "delivered":
            return "It arrived."
        case "dead":
            reason = (known.reason or "nobody could be reached").removeprefix("given up ")
            return f"It was given up, {reason}."
        case _ if standing and standing.word in {"paused", "disabled"}:
            return f"It waits until its webhook is active again. The webhook is {standing.word} at present."
        case "retrying" if known.next_attempt_at:
            return "The last try failed: it is tried again."
        case "retrying":
            return "The last try failed. It waits for its turn."
        case _:
            return "It waits for its turn: nothing was tried yet."


@dataclass(frozen=True, slots=True)
class DeliveryDeps:
    """The services that the page uses. `dotted_names`: whether the sender puts dots into events' names."""

    deliveries: DeliveryQueries
    webhooks: SubscriptionService
    standings: EndpointHealthService
    letters: DeadLetterService
    dotted_names: bool

    async def one(self, store: str, message_id: str) -> DeliveryDetails:
        """Reads the delivery as of now. Raises 404."""
        await self.deliveries.current()
        found = await self.deliveries.one(store, message_id)
        if found is None:
            raise HTTPException(404)
        return found

    async def shown(self, store: str, message_id: str, note: str = "", error: str = "") -> dict[str, Any]:
        """Returns the values that the template draws. Raises 404."""
        one = await self.one(store, message_id)
        subscription = self.webhooks.index.get(one.known.subscription_id)
        standing = self.standings.of(subscription) if subscription else None
        return {
            "status": 409 if error else 200,
            "one": one,
            "known": one.known,
            "subscription": subscription,
            "standing": standing,
            "now": current_status(one.known, subscription, standing),
            "sent": rebuild_request(one, subscription, dotted_names=self.dotted_names),
            "note": NOTES.get(note, ""),
            "error": error,
            "words": status_texts,
        }


def routes(pages: PageRenderer, deps: DeliveryDeps) -> APIRouter:
    router = APIRouter()

    @router.get("/{store}/deliveries/{messageId}", dependencies=[require_scope("read")])
    async def page(
        request: Request,
        store: CurrentStore,
        message: MessageId,
        note: Literal["", "redriven", "replayed"] = "",
    ) -> Response:
        return pages.page(request, "delivery", store, **await deps.shown(store.store, message, note))

    @router.post("/{store}/deliveries/{messageId}/retry", dependencies=[require_scope("subscriptions")])
    async def retry(request: Request, store: CurrentStore, message: MessageId) -> Response:
        one = await deps.one(store.store, message)
        errors: form_inputs.FieldErrors = {}
        how = ""
        with form_inputs.collect_errors(errors, {}):
            how = await deps.letters.retry(store.store, one.known.subscription_id, message)
        if errors:
            known = await deps.shown(store.store, message, error=errors[""])
            return pages.page(request, "delivery", store, **known)
        return RedirectResponse(f"{request.url.path.removesuffix('/retry')}?note={how}", 303)

    return router

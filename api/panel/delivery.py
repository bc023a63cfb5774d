"""One delivery: where it stands, each attempt, the request; and trying it again."""

from dataclasses import dataclass
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from api.auth.scopes import requires
from api.contract.delivery_bodies import request_of
from api.panel import form_inputs, status_texts
from api.panel.pages import Pages
from api.panel.session_guard import StoreOf
from api.rest.deliveries import MessageId
from api.services.dead_letters import DeadLetterService
from api.services.deliveries import Deliveries
from api.services.endpoint_health import Standing, Standings
from api.services.subscriptions import Webhooks
from streams.delivery.delivery_search import DeliveryDetails
from streams.delivery.delivery_state import DeliveryState
from streams.delivery.records import Subscription

NOTES = {
    "redriven": "It is on its way again, with all its tries before it. What comes of it shows here.",
    "replayed": "It is sent once more, with the same message id. What comes of it shows here.",
}


@dataclass(frozen=True, slots=True)
class Now:
    """Where a delivery stands, and what stands in the way of trying it again: None where nothing does."""

    sentence: str
    obstacle: str | None


def now_of(known: DeliveryState, subscription: Subscription | None, standing: Standing | None) -> Now:
    if subscription is None or standing is None:
        return Now(_sentence(known, None), "Its webhook is deleted: nothing is sent to it any more.")
    obstacle = None
    if known.status in {"pending", "retrying"}:
        obstacle = "It is on its way: it is tried without being asked."
    elif subscription.state != "active":
        obstacle = f"Its webhook is {subscription.state}: set it active first."
    return Now(_sentence(known, standing), obstacle)


def _sentence(known: DeliveryState, standing: Standing | None) -> str:
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
class Room:
    """What the page is made of. `dotted_names`: as the sender spells events' names."""

    deliveries: Deliveries
    webhooks: Webhooks
    standings: Standings
    letters: DeadLetterService
    dotted_names: bool

    async def one(self, store: str, message_id: str) -> DeliveryDetails:
        """As of now. Raises 404."""
        await self.deliveries.current()
        found = await self.deliveries.one(store, message_id)
        if found is None:
            raise HTTPException(404)
        return found

    async def shown(self, store: str, message_id: str, note: str = "", error: str = "") -> dict[str, Any]:
        """What the page draws. Raises 404."""
        one = await self.one(store, message_id)
        subscription = self.webhooks.index.get(one.known.subscription_id)
        standing = self.standings.of(subscription) if subscription else None
        return {
            "status": 409 if error else 200,
            "one": one,
            "known": one.known,
            "subscription": subscription,
            "standing": standing,
            "now": now_of(one.known, subscription, standing),
            "sent": request_of(one, subscription, dotted_names=self.dotted_names),
            "note": NOTES.get(note, ""),
            "error": error,
            "words": status_texts,
        }


def routes(pages: Pages, room: Room) -> APIRouter:
    router = APIRouter()

    @router.get("/{store}/deliveries/{messageId}", dependencies=[requires("read")])
    async def page(
        request: Request, store: StoreOf, message: MessageId, note: Literal["", "redriven", "replayed"] = ""
    ) -> Response:
        return pages.page(request, "delivery", store, **await room.shown(store.store, message, note))

    @router.post("/{store}/deliveries/{messageId}/retry", dependencies=[requires("subscriptions")])
    async def retry(request: Request, store: StoreOf, message: MessageId) -> Response:
        one = await room.one(store.store, message)
        errors: form_inputs.Errors = {}
        how = ""
        with form_inputs.noted(errors, {}):
            how = await room.letters.retry(store.store, one.known.subscription_id, message)
        if errors:
            known = await room.shown(store.store, message, error=errors[""])
            return pages.page(request, "delivery", store, **known)
        return RedirectResponse(f"{request.url.path.removesuffix('/retry')}?note={how}", 303)

    return router

"""Requests for replays, and the checks on them."""

from dataclasses import dataclass
from datetime import datetime

from api.problems import Complaint, Conflict, Invalid, shorten_json
from streams.delivery.records import Subscription
from streams.delivery.replay_jobs import MAX_REPLAY_RATE, ReplayOrder
from streams.delivery.replay_selection import ReplayScope, ReplaySelection
from streams.webhooks.names import LEGACY_TYPES, resolve_event_name

REPLAY_ROOT = "replay"
DEFAULT_RATE = 100


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """A requested replay. `until` None: up to now. `rate`: deliveries a second."""

    since: datetime
    until: datetime | None = None
    event_name: str | None = None
    member_id: str | None = None
    only: ReplayScope = "all"
    rate: int = DEFAULT_RATE


@dataclass(frozen=True, slots=True)
class ReplayPreview:
    """What a replay would send. Not `exact`: estimated from the part that was read within ten seconds."""

    deliveries: int
    exact: bool
    webhook_events: int
    """How many offsets of their topic must be read."""
    seconds: int
    """How long it takes at least, at the requested rate."""
    arrays: tuple[str, ...]
    """Events whose bodies are arrays: each item is sent as an array of its own."""


def parse_event_name(name: str | None, path: str = f"{REPLAY_ROOT}.eventName") -> str | None:
    """The event's canonical name. Raises Invalid if there is none."""
    found = None if name is None else resolve_event_name(name)
    if name is not None and found is None:
        message = f"There is no event {shorten_json(name)}; valid: {', '.join(sorted(LEGACY_TYPES))}"
        raise Invalid(Complaint(path, message, "unknown_event", name))
    return found


def require_active(subscription: Subscription) -> None:
    """Raises Conflict if the subscription is not active."""
    if subscription.state != "active":
        message = f"The subscription is {subscription.state}: set it active first."
        raise Conflict(Complaint("webhookSubscription.state", message, "inactive", subscription.state))


def require_rate(rate: int) -> int:
    if not 1 <= rate <= MAX_REPLAY_RATE:
        message = f"{rate} is not valid: deliveries a second, from 1 to {MAX_REPLAY_RATE}."
        raise Invalid(Complaint(f"{REPLAY_ROOT}.rate", message, "invalid", rate))
    return rate


def require_playable(order: ReplayOrder, subscription: Subscription) -> None:
    """Raises Conflict or Invalid if the replay could not run."""
    require_active(subscription)
    if order.since >= order.until:
        message = f"It must be before {order.until:%Y-%m-%dT%H:%M:%SZ}, which is `to`, or now."
        raise Invalid(Complaint(f"{REPLAY_ROOT}.from", message, "invalid", order.since.isoformat()))
    selection = selection_for(subscription, order)
    if order.event_name and not selection.names(order.event_name):
        message = f"The subscription does not want {order.event_name}."
        raise Invalid(Complaint(f"{REPLAY_ROOT}.eventName", message, "not_wanted", order.event_name))
    if order.only != "all" and selection.arrays:
        message = (
            f"Bodies of {', '.join(selection.arrays)} are arrays, whose items are not looked up: valid is "
            "all, or another eventName."
        )
        raise Invalid(Complaint(f"{REPLAY_ROOT}.only", message, "arrays", order.only))


def selection_for(subscription: Subscription, order: ReplayOrder) -> ReplaySelection:
    return ReplaySelection(subscription, order.replay_id, order.event_name, order.member_id, order.only)

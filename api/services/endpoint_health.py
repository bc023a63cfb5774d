"""How a subscription fares, in one word and a sentence."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from streams.delivery.records import EndpointStatus, Subscription

HealthWord = Literal["active", "paused", "failing", "disabled"]
HEALTH_WORDS: tuple[HealthWord, ...] = ("active", "paused", "failing", "disabled")


class EndpointStatuses(Protocol):
    def get(self, subscription_id: str) -> EndpointStatus | None:
        """What the sink told last of the subscription's endpoint."""


@dataclass(frozen=True, slots=True)
class EndpointHealth:
    word: HealthWord
    why: str = ""


@dataclass(frozen=True, slots=True)
class EndpointHealthService:
    conditions: EndpointStatuses

    def of(self, subscription: Subscription) -> EndpointHealth:
        found = self.conditions.get(subscription.subscription_id)
        if subscription.state == "paused":
            return EndpointHealth("paused", "Paused by hand: what it wants waits.")
        if subscription.state == "disabled":
            return EndpointHealth("disabled", "Nothing is sent until it is made active.")
        if found is None or found.state == "working" or _before(found, subscription):
            return EndpointHealth("active")
        if found.state == "disabled":
            return EndpointHealth("disabled", f"Nothing is sent until it is made active: {found.reason}.")
        return EndpointHealth("failing", f"{found.failures} failures, one after the other: {found.reason}.")

    def each(self, subscriptions: Iterable[Subscription]) -> dict[str, EndpointHealth]:
        return {each.subscription_id: self.of(each) for each in subscriptions}


def _before(status: EndpointStatus, subscription: Subscription) -> bool:
    """Whether it was found before its owner set it active again."""
    since = subscription.state_since
    return status.state == "disabled" and since is not None and since > status.since

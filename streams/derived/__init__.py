"""From facts to webhook events and messages. Pure: the state is the one after the fact.

balance       facts about units, to AvailablePointsAmountChanged
expiry        announcements of expiring units
customers     facts about accounts, tiers and campaigns
rewards       facts about rewards and coupons
transactions  facts about transactions
messages      messages to other owners
"""

from collections.abc import Iterator

from streams.derived import balance, customers, expiry, rewards, transactions
from streams.domain.events import Event
from streams.domain.state import State
from streams.domain.store import StoreSettings
from streams.webhooks.derivation import DERIVATION_RULES
from streams.webhooks.events import WebhookEvent

__all__ = ["balance", "customers", "derive", "expiry", "rewards", "transactions"]


def derive(event: Event, state: State, store: StoreSettings) -> Iterator[WebhookEvent]:
    """The webhook events of `event`, in the order in which they are sent."""
    for rule in DERIVATION_RULES.get(type(event), ()):
        yield from rule(event, state, store)

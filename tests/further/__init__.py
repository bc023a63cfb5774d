"""A nineteenth webhook, as a deployment would add one: its event, its schema, its rule, its body."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from streams.codec.avro import read_also
from streams.derived import FURTHER, derives
from streams.derived.event_header import customer, head
from streams.domain.events import UnitsSpent
from streams.domain.ledger import account
from streams.domain.state import State
from streams.domain.store import StoreSettings
from streams.domain.values import plain
from streams.webhooks.catalogue import CATALOGUE, Body, webhook
from streams.webhooks.events import Customer, WebhookEvent
from streams.webhooks.names import LEGACY_TYPES

NAME = "PointsWereSpent"


class PointsWereSpent(WebhookEvent):
    """`left` is what was available right after."""

    customer: Customer
    points: Decimal
    left: Decimal


def enter() -> None:
    read_also(Path(__file__).with_name("schemas"))

    @derives(UnitsSpent)
    def rule(fact: UnitsSpent, state: State, _: StoreSettings) -> Iterator[PointsWereSpent]:
        yield PointsWereSpent(
            **head(fact, NAME),
            customer=customer(state, fact.member_id),
            points=fact.units,
            left=account(state, fact.wallet).available,
        )

    @webhook(PointsWereSpent, triggers=("Units are spent.",), legacy_type="account.points_were_spent")
    def body(event: PointsWereSpent) -> Body:
        """Units were spent, and what is left of them."""
        return {"points": plain(event.points), "left": plain(event.left)}


@contextmanager
def entered() -> Iterator[None]:
    """For as long as the block runs."""
    enter()
    try:
        yield
    finally:
        CATALOGUE.pop(NAME)
        LEGACY_TYPES.pop(NAME)
        FURTHER.pop(UnitsSpent)

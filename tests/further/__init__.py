"""A nineteenth webhook, as a deployment would add one: its event, its schema, its rule, its body."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from streams.codec.avro import add_schema_folder, remove_schema_folder
from streams.domain.events import UnitsSpent
from streams.domain.ledger import get_account
from streams.domain.state import State
from streams.domain.store import StoreSettings
from streams.domain.values import plain_decimal
from streams.webhooks.catalogue import CATALOGUE, Body, webhook
from streams.webhooks.derivation import DERIVATION_RULES, derives
from streams.webhooks.event_header import customer, webhook_event_header
from streams.webhooks.events import Customer, WebhookEvent
from streams.webhooks.names import LEGACY_TYPES

NAME = "PointsWereSpent"
SCHEMAS = Path(__file__).with_name("schemas")


class PointsWereSpent(WebhookEvent):
    """`left` is what was available right after."""

    customer: Customer
    points: Decimal
    left: Decimal


def enter() -> None:
    add_schema_folder(SCHEMAS)

    @derives(UnitsSpent)
    def rule(fact: UnitsSpent, state: State, _: StoreSettings) -> Iterator[PointsWereSpent]:
        yield PointsWereSpent(
            **webhook_event_header(fact, NAME),
            customer=customer(state, fact.member_id),
            points=fact.units,
            left=get_account(state, fact.wallet).available,
        )

    @webhook(PointsWereSpent, triggers=("Units are spent.",), legacy_type="account.points_were_spent")
    def body(event: PointsWereSpent) -> Body:
        """Units were spent, and what is left of them."""
        return {"points": plain_decimal(event.points), "left": plain_decimal(event.left)}


@contextmanager
def entered() -> Iterator[None]:
    """For as long as the block runs."""
    enter()
    try:
        yield
    finally:
        CATALOGUE.pop(NAME)
        LEGACY_TYPES.pop(NAME)
        DERIVATION_RULES[UnitsSpent].pop()
        remove_schema_folder(SCHEMAS)

"""Campaigns: rules as data that give units for what a member does."""

from collections.abc import Iterator
from decimal import ROUND_DOWN

from streams.domain.act import Act
from streams.domain.events import Event, TransactionRecorded
from streams.domain.ledger import earned, room
from streams.domain.state import State
from streams.domain.store import StoreSettings
from streams.domain.values import UNIT, Cause


def on_transaction(
    state: State, transaction: TransactionRecorded, act: Act, store: StoreSettings
) -> Iterator[Event]:
    """Units for a purchase, in the order of the store's campaigns. A return earns nothing.

    Fractions below the sixth decimal are dropped: never more units than the rule promises. What a wallet
    cannot take is skipped, for the purchase itself is a fact and must not be refused for it.
    """
    if transaction.document_type != "sell":
        return
    for index, campaign in enumerate(store.campaigns):
        if not campaign.active:
            continue
        points = transaction.gross_value * campaign.points_per_currency_unit
        wallet = store.wallet(campaign.wallet)
        # Compared before it is cut: what no wallet holds may have more digits than can be cut.
        if not wallet or points >= room(state, wallet) + UNIT:
            continue
        units = points.quantize(UNIT, rounding=ROUND_DOWN)
        if units:
            yield earned(
                wallet,
                units,
                act,
                store,
                expires_in_days=campaign.expires_after_days,
                comment=campaign.name,
                cause=Cause(
                    campaign_id=campaign.campaign_id,
                    transaction_id=transaction.transaction_id,
                    performed_at=transaction.purchased_at,
                ),
                index=index,
            )

"""A member's state, in many small entries, so that a command reads and writes only those that it needs.

An entry knows its table, its key within its owner, and when its timer is due (`due`), which is all that the
due index needs. Entries are frozen; a change is a new entry or a `Drop`.
"""

from streams.domain.state.coupons import CouponPlace, IssuedReward
from streams.domain.state.entry import FOREVER, Change, Drop, E, Entry, State, instant, sortable
from streams.domain.state.ledgers import (
    Account,
    Ending,
    Held,
    Lot,
    PendingLot,
    Pledge,
    Transfer,
    lot_key,
    wallet_prefix,
)
from streams.domain.state.members import (
    CampaignUse,
    Document,
    Gift,
    Member,
    Secret,
    Standing,
    Transaction,
    TransactionDetails,
    transaction_key,
)
from streams.domain.state.working import Claim, DataKey, Handled, Known, Plan, StreamTime, Waiting

__all__ = [
    "FOREVER",
    "Account",
    "CampaignUse",
    "Change",
    "Claim",
    "CouponPlace",
    "DataKey",
    "Document",
    "Drop",
    "E",
    "Ending",
    "Entry",
    "Gift",
    "Handled",
    "Held",
    "IssuedReward",
    "Known",
    "Lot",
    "Member",
    "PendingLot",
    "Plan",
    "Pledge",
    "Secret",
    "Standing",
    "State",
    "StreamTime",
    "Transaction",
    "TransactionDetails",
    "Transfer",
    "Waiting",
    "instant",
    "lot_key",
    "sortable",
    "transaction_key",
    "wallet_prefix",
]

"""Parts of sentences about a member."""

from datetime import datetime
from decimal import Decimal

from api.panel.pages import format_number
from streams.domain.store import StoreSettings
from streams.domain.values import Cause


def units_text(amount: Decimal, wallet: str, store: StoreSettings) -> str:
    """“1 point”, “1,200 miles in Miles”."""
    kind = store.wallet_type(wallet)
    name = kind.unit_singular_name if amount == 1 else kind.unit_plural_name
    place = "" if kind.is_default else f" in {kind.name}"
    return f"{format_number(amount)} {name}{place}"


def cause_text(cause: Cause | None) -> str:
    return ", by a campaign" if cause and cause.campaign_id else ""


def by_hand_text(so: bool) -> str:
    return ", by hand" if so else ""


def comment_text(comment: str | None) -> str:
    return f" (“{comment}”)" if comment else ""


def count_text(amount: int, noun: str) -> str:
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"


def days_ahead_text(days: int) -> str:
    return f"{count_text(days, 'day')} ahead"


def day_text(moment: datetime, store: StoreSettings) -> str:
    return store.calendar.day(moment).isoformat()

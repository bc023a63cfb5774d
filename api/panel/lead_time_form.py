"""Lead times as people write them: "30, 7, 1"; and back."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from pydantic import TypeAdapter, ValidationError

from api.problems import shorten_json
from api.rest.lead_times import LeadTimes, NotificationDays
from streams.domain.store import StoreSettings

ExpiryKind = Literal["units", "coupons", "tiers"]
KINDS: tuple[ExpiryKind, ...] = get_args(ExpiryKind)
WalletChoice = Literal["store", "off", "own"]
WALLET_CHOICES: Mapping[WalletChoice, str] = {
    "store": "As the store's units",
    "off": "Not told",
    "own": "Own days",
}
MAX_INPUT_LENGTH = 255
DAYS_EXAMPLE = "write days from 1 to 36,500, such as 30, 7, 1"
_DAYS: TypeAdapter[list[int]] = TypeAdapter(LeadTimes)


@dataclass(frozen=True, slots=True)
class WalletLeadTimes:
    """What one wallet has of its own. `days` as written."""

    code: str
    name: str
    active: bool
    choice: WalletChoice
    days: str


@dataclass(frozen=True, slots=True)
class LeadTimeInputs:
    """The form with what stands in it."""

    days: Mapping[ExpiryKind, str]
    wallets: tuple[WalletLeadTimes, ...]

    def fields(self) -> Iterator[tuple[str, str]]:
        """Returns the days by the form's field names."""
        yield from self.days.items()
        for wallet in self.wallets:
            yield f"choice.{wallet.code}", wallet.choice
            if wallet.days:
                yield f"days.{wallet.code}", wallet.days


def current_inputs(store: StoreSettings) -> LeadTimeInputs:
    days = {kind: format_days(getattr(store, f"{kind}_expiring_days")) for kind in KINDS}
    wallets = (
        WalletLeadTimes(
            w.code, w.name, w.active, _choice(w.expiring_days), format_days(w.expiring_days or ())
        )
        for w in store.wallets
    )
    return LeadTimeInputs(days, tuple(wallets))


def submitted_inputs(store: StoreSettings, fields: Mapping[str, object]) -> LeadTimeInputs:
    """What was sent; what was not is as it is in force."""
    now = current_inputs(store)
    days = {kind: _text(fields, kind, now.days[kind]) for kind in KINDS}
    wallets = (
        WalletLeadTimes(
            w.code,
            w.name,
            w.active,
            _chosen(_text(fields, f"choice.{w.code}", w.choice)),
            _text(fields, f"days.{w.code}", w.days),
        )
        for w in now.wallets
    )
    return LeadTimeInputs(days, tuple(wallets))


def parse_lead_times(filled: LeadTimeInputs) -> tuple[NotificationDays, dict[str, str]]:
    """As the REST API takes it; and what is wrong, by the name of the field."""
    errors: dict[str, str] = {}

    def days(field: str, text: str) -> list[int]:
        try:
            return parse_days(text)
        except ValueError as error:
            errors[field] = str(error)
            return []

    units, coupons, tiers = (days(kind, filled.days[kind]) for kind in KINDS)
    own: dict[str, list[int] | None] = {}
    for wallet in filled.wallets:
        own[wallet.code] = None if wallet.choice == "store" else []
        if wallet.choice == "own":
            field = f"days.{wallet.code}"
            own[wallet.code] = days(field, wallet.days)
            if not own[wallet.code] and field not in errors:
                errors[field] = f"Own days are chosen, and none are given: {DAYS_EXAMPLE}."
    body = NotificationDays.model_validate(
        {
            "expire_points_notification_days": units,
            "expire_coupons_notification_days": coupons,
            "expire_levels_notification_days": tiers,
            "expire_points_notification_days_by_wallet": own,
        }
    )
    return body, errors


def parse_days(text: str) -> list[int]:
    """The longest first, each once; none for an empty text and for 0. Raises ValueError with a sentence."""
    if len(text) > MAX_INPUT_LENGTH:
        raise ValueError(f"That is too long: {DAYS_EXAMPLE}.")
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    if words in ([], ["0"]):
        return []
    strange = next((word for word in words if not re.fullmatch("[0-9]{1,9}", word)), None)
    if strange:
        raise ValueError(f"{shorten_json(strange)} is no number of days: {DAYS_EXAMPLE}.")
    numbers = sorted(set(map(int, words)), reverse=True)
    try:
        return _DAYS.validate_python(numbers)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "too_long":
            raise ValueError(f"These are {len(numbers)}: at most {first['ctx']['max_length']}.") from None
        raise ValueError(f"{first['input']:,} is out of range: {DAYS_EXAMPLE}.") from None


def format_days(days: tuple[int, ...]) -> str:
    return ", ".join(map(str, sorted(set(days), reverse=True)))


def _choice(days: tuple[int, ...] | None) -> WalletChoice:
    if days is None:
        return "store"
    return "own" if days else "off"


def _chosen(text: str) -> WalletChoice:
    return cast(WalletChoice, text) if text in WALLET_CHOICES else "store"


def _text(fields: Mapping[str, object], name: str, otherwise: str) -> str:
    found = fields.get(name)
    return found.strip() if isinstance(found, str) else otherwise

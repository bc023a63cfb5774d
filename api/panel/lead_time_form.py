"""Lead times as people write them: "30, 7, 1"; and back."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from pydantic import TypeAdapter, ValidationError

from api.problems import shown
from api.rest.lead_times import LeadTimes, NotificationDays
from streams.domain.store import StoreSettings

Kind = Literal["units", "coupons", "tiers"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Choice = Literal["store", "off", "own"]
CHOICES: Mapping[Choice, str] = {"store": "As the store's units", "off": "Not told", "own": "Own days"}
LONGEST = 255
EXAMPLE = "write days from 1 to 36,500, such as 30, 7, 1"
_DAYS: TypeAdapter[list[int]] = TypeAdapter(LeadTimes)


@dataclass(frozen=True, slots=True)
class Own:
    """What one wallet has of its own. `days` as written."""

    code: str
    name: str
    active: bool
    choice: Choice
    days: str


@dataclass(frozen=True, slots=True)
class Filled:
    """The form with what stands in it."""

    days: Mapping[Kind, str]
    wallets: tuple[Own, ...]

    def fields(self) -> Iterator[tuple[str, str]]:
        """By the names of the form's fields."""
        yield from self.days.items()
        for wallet in self.wallets:
            yield f"choice.{wallet.code}", wallet.choice
            if wallet.days:
                yield f"days.{wallet.code}", wallet.days


def in_force(store: StoreSettings) -> Filled:
    days = {kind: written(getattr(store, f"{kind}_expiring_days")) for kind in KINDS}
    wallets = (
        Own(w.code, w.name, w.active, _choice(w.expiring_days), written(w.expiring_days or ()))
        for w in store.wallets
    )
    return Filled(days, tuple(wallets))


def sent(store: StoreSettings, fields: Mapping[str, object]) -> Filled:
    """What was sent; what was not is as it is in force."""
    now = in_force(store)
    days = {kind: _text(fields, kind, now.days[kind]) for kind in KINDS}
    wallets = (
        Own(
            w.code,
            w.name,
            w.active,
            _chosen(_text(fields, f"choice.{w.code}", w.choice)),
            _text(fields, f"days.{w.code}", w.days),
        )
        for w in now.wallets
    )
    return Filled(days, tuple(wallets))


def read(filled: Filled) -> tuple[NotificationDays, dict[str, str]]:
    """As the REST API takes it; and what is wrong, by the name of the field."""
    errors: dict[str, str] = {}

    def days(field: str, text: str) -> list[int]:
        try:
            return days_of(text)
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
                errors[field] = f"Own days are chosen, and none are given: {EXAMPLE}."
    body = NotificationDays.model_validate(
        {
            "expire_points_notification_days": units,
            "expire_coupons_notification_days": coupons,
            "expire_levels_notification_days": tiers,
            "expire_points_notification_days_by_wallet": own,
        }
    )
    return body, errors


def days_of(text: str) -> list[int]:
    """The longest first, each once; none for an empty text and for 0. Raises ValueError with a sentence."""
    if len(text) > LONGEST:
        raise ValueError(f"That is too long: {EXAMPLE}.")
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    if words in ([], ["0"]):
        return []
    strange = next((word for word in words if not re.fullmatch("[0-9]{1,9}", word)), None)
    if strange:
        raise ValueError(f"{shown(strange)} is no number of days: {EXAMPLE}.")
    numbers = sorted(set(map(int, words)), reverse=True)
    try:
        return _DAYS.validate_python(numbers)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "too_long":
            raise ValueError(f"These are {len(numbers)}: at most {first['ctx']['max_length']}.") from None
        raise ValueError(f"{first['input']:,} is out of range: {EXAMPLE}.") from None


def written(days: tuple[int, ...]) -> str:
    return ", ".join(map(str, sorted(set(days), reverse=True)))


def _choice(days: tuple[int, ...] | None) -> Choice:
    if days is None:
        return "store"
    return "own" if days else "off"


def _chosen(text: str) -> Choice:
    return cast(Choice, text) if text in CHOICES else "store"


def _text(fields: Mapping[str, object], name: str, otherwise: str) -> str:
    found = fields.get(name)
    return found.strip() if isinstance(found, str) else otherwise

"""Normalises identifiers by the store's rules, and finds the forms that older releases stored."""

import re
from functools import lru_cache
from typing import NamedTuple, assert_never

from streams.domain.identifiers.cards import read_card, require_pattern
from streams.domain.identifiers.emails import folded, read_email
from streams.domain.identifiers.phones import NoCountry, is_region, read_phone
from streams.domain.identifiers.placeholders import FILLS, Unreadable, is_filler, require_meant, trimmed
from streams.domain.values import Identifier, IdentifierKind

_PHONE_PUNCTUATION = re.compile(r"[\s().-]+")
_MAX_CHARACTERS = 255


class Rules(NamedTuple):
    """A store's rules. `region` is the country whose phone numbers may lack the +; `card_pattern` matches a
    whole card number."""

    region: str | None = None
    card_pattern: str | None = None


NO_RULES = Rules()


def require_rules(rules: Rules) -> None:
    """Raises ValueError, whose text begins with the setting."""
    if rules.region is not None and not is_region(rules.region):
        raise ValueError(
            f"phone_region {rules.region!r} is no country's code of two capital letters, such as PL"
        )
    try:
        require_pattern(rules.card_pattern or "")
    except ValueError as error:
        raise ValueError(f"card_pattern {rules.card_pattern!r} {error}") from None


def read(kind: IdentifierKind, text: str | None, rules: Rules) -> str | None:
    """The identifier as it is stored and shown: phones in E.164, e-mails in NFC with a lower-case domain.
    None for an empty text. Idempotent. Raises Unreadable.
    """
    forms = _former_forms(kind, trimmed(text or ""), rules)
    return forms[0] if forms else None


def sought(kind: IdentifierKind, text: str | None, rules: Rules) -> tuple[Identifier, ...]:
    """The keys under which its member may be stored, the likeliest first: identifiers stored before there
    were rules keep their former form. Raises Unreadable for placeholders."""
    cell = trimmed(text or "")
    try:
        forms = _former_forms(kind, cell, rules)
    except NoCountry:
        # Numbers stored without a country code are still found as they were typed.
        forms = (cell,)
    keys = [key for form in forms for key in (identifier(kind, form),) if key]
    before = former(kind, cell)
    return tuple(dict.fromkeys([*keys, before] if before else keys))


@lru_cache(maxsize=4096)
def _former_forms(kind: IdentifierKind, cell: str, rules: Rules) -> tuple[str, ...]:
    if not cell:
        return ()
    if len(cell) > _MAX_CHARACTERS:
        raise Unreadable(f"must have {_MAX_CHARACTERS} characters at most, not {len(cell)}")
    match kind:
        case "phone":
            return (read_phone(cell, rules.region),)
        case "email":
            address = read_email(cell)
            return (address.written, address.ascii) if address.ascii else (address.written,)
        case "loyaltyCardNumber":
            return (read_card(cell, rules.card_pattern),)
        case _:
            assert_never(kind)


def identifier(kind: IdentifierKind, kept: str | None) -> Identifier | None:
    """The key of a stored identifier, also if it was stored before there were rules. None for an empty
    text."""
    found = former(kind, kept)
    if found is None or kind != "email":
        return found
    return Identifier(kind=kind, value=folded(found.value))


def former(kind: IdentifierKind, text: str | None) -> Identifier | None:
    """The key that it had before there were rules, or None."""
    # As part of a key it ends with a zero byte.
    value = (text or "").replace("\x00", "").strip()
    if kind == "email":
        value = value.lower()
    elif kind == "phone":
        value = _PHONE_PUNCTUATION.sub("", value)
    return Identifier(kind=kind, value=value) if value else None


def is_junk(found: Identifier) -> bool:
    """Whether it is a placeholder under any store's rules. It matches no member, even if one has it
    stored."""
    if found.kind == "phone" and any(letter.isalpha() for letter in found.value):
        return True
    if found.kind != "email" and len(found.value) >= FILLS and found.value.isdigit():
        return is_filler(found.value)
    try:
        require_meant(found.value)
    except Unreadable:
        return True
    return False

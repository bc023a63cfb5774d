"""What members are known by: card number, phone and e-mail, unique within a store."""

import re
from collections.abc import Iterator

from streams.domain.values import Identifier, IdentifierKind, Profile
from streams.errors import Rejected

FIELDS: dict[IdentifierKind, str] = {
    "loyaltyCardNumber": "loyalty_card_number",
    "phone": "phone",
    "email": "email",
}
"""Where the profile keeps each, in the order in which a transaction's data is matched."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PHONE_PUNCTUATION = re.compile(r"[\s().-]+")


def identifier(kind: IdentifierKind, text: str | None) -> Identifier | None:
    """In normal form: e-mails in small letters, phone numbers without punctuation. None for nothing."""
    # Its end is a zero byte where it is a key.
    value = (text or "").replace("\x00", "").strip()
    if kind == "email":
        value = value.lower()
    elif kind == "phone":
        value = _PHONE_PUNCTUATION.sub("", value)
    return Identifier(kind=kind, value=value) if value else None


def of(holder: object) -> Iterator[Identifier]:
    """Of a profile or of a transaction's buyer, the strongest first."""
    for kind, field in FIELDS.items():
        found = identifier(kind, getattr(holder, field))
        if found:
            yield found


def sorted_of(profile: Profile) -> tuple[Identifier, ...]:
    return tuple(sorted(of(profile), key=lambda each: (each.kind, each.value)))


def check(profile: Profile) -> None:
    """Refuses an e-mail address that is none."""
    if profile.email and not _EMAIL.fullmatch(profile.email.strip()):
        raise Rejected("profile.email", profile.email, "is no e-mail address, such as name@example.com")

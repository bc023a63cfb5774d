"""The identifiers of a member's profile and of a transaction's buyer."""

from collections.abc import Iterator

from msgspec.structs import replace

from streams.domain.identifiers.normalization import Rules, former, identifier, read, sought
from streams.domain.identifiers.placeholders import Unreadable
from streams.domain.values import Identifier, IdentifierKind, Profile
from streams.errors import Rejected

FIELDS: dict[IdentifierKind, str] = {
    "loyaltyCardNumber": "loyalty_card_number",
    "phone": "phone",
    "email": "email",
}
"""The profile's field for each kind, in the order in which a transaction's data is matched."""


def profile_of(said: Profile, rules: Rules, before: Profile | None = None) -> Profile:
    """The profile with normalised identifiers. Identifiers that are unchanged since `before` stay as they
    are, as they may be older than the rules. Raises Rejected."""
    found: dict[str, str | None] = {}
    for kind, field in FIELDS.items():
        text = getattr(said, field)
        if before is None or text != getattr(before, field):
            found[field] = read_field(kind, text, rules, f"profile.{field}")
    return replace(said, **found)


def read_field(kind: IdentifierKind, text: str | None, rules: Rules, field: str) -> str | None:
    """As `read`. Raises Rejected naming the field."""
    try:
        return read(kind, text, rules)
    except Unreadable as error:
        raise Rejected(field, text, str(error)) from None


def claimed(said: Profile, rules: Rules, before: Profile) -> tuple[Identifier, ...]:
    """The identifiers that the member must get exclusively and does not have yet, in their former forms too,
    which other members may have. Sorted. Raises Rejected."""
    has = set(of(before))
    wanted: list[Identifier] = []
    for kind, field in FIELDS.items():
        text = getattr(said, field)
        if text == getattr(before, field):
            continue
        kept = identifier(kind, read_field(kind, text, rules, f"profile.{field}"))
        if kept and kept not in has:
            wanted += sought(kind, text, rules)
    return tuple(sorted(dict.fromkeys(wanted), key=_sort_key))


def of(holder: object) -> Iterator[Identifier]:
    """The identifiers of a stored profile, the strongest first."""
    for kind, field in FIELDS.items():
        found = identifier(kind, getattr(holder, field))
        if found:
            yield found


def known_by(profile: Profile) -> tuple[Identifier, ...]:
    """All keys that the identity stage may have for this profile, former forms included. Sorted."""
    before = (former(kind, getattr(profile, field)) for kind, field in FIELDS.items())
    return tuple(sorted({*of(profile), *(each for each in before if each)}, key=_sort_key))


def looked_for(holder: object, rules: Rules, place: str) -> tuple[Identifier, ...]:
    """The keys to search a member by, from the holder's identifiers, the strongest first. Raises Rejected,
    naming the field below `place`."""
    found: list[Identifier] = []
    for kind, field in FIELDS.items():
        text = getattr(holder, field)
        try:
            found += sought(kind, text, rules)
        except Unreadable as error:
            raise Rejected(f"{place}{field}", text, str(error)) from None
    return tuple(dict.fromkeys(found))


def _sort_key(each: Identifier) -> tuple[str, str]:
    return each.kind, each.value

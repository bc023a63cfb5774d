"""What members are known by: card number, phone and e-mail, unique within a store.

reading        a text to its one form, by the store's rules; what it may have been kept as before
of_profile     a member's profile as it is kept, and what a transaction's buyer is looked for by
phones …       one module a kind
mangled        placeholders, and what spreadsheets leave of a number

What is kept is in that form already, so that its key (`identifier`) follows from it alone, whatever the
store's rules have become since. What was kept before there were rules stands under the same key.
"""

from streams.domain.identifiers.normalization import (
    NO_RULES,
    Rules,
    identifier,
    is_junk,
    read,
    require_rules,
    sought,
)
from streams.domain.identifiers.placeholders import Unreadable, require_own_id, trimmed
from streams.domain.identifiers.profiles import (
    FIELDS,
    claimed,
    known_by,
    looked_for,
    of,
    profile_of,
    read_field,
)

__all__ = [
    "FIELDS",
    "NO_RULES",
    "Rules",
    "Unreadable",
    "claimed",
    "identifier",
    "is_junk",
    "known_by",
    "looked_for",
    "of",
    "profile_of",
    "read",
    "read_field",
    "require_own_id",
    "require_rules",
    "sought",
    "trimmed",
]

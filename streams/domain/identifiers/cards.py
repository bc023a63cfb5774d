"""Reads loyalty card numbers, by a store's pattern or by common characters. Pure."""

import re
import unicodedata
from functools import lru_cache

from streams.domain.identifiers.placeholders import FILLS, Unreadable, is_filler, require_meant

_MAX_CHARACTERS = 64
_COMMON_PATTERN = re.compile(r"""[^,;|="'\n]{1,64}""")
"""Excludes characters that separate or enclose numbers."""
_COMMON_RULE = "must be one card's number: letters and digits, with common punctuation"
_ATOM = r"(?:\[\^?\]?(?:\\.|[^\\\]])*\]|\\[dswDSW]|\\[^A-Za-z0-9]|[^\\\[\](){}.*+?|^$]|\.)"
_PART = re.compile(rf"{_ATOM}(\?|\*|\+|\{{[0-9]{{1,3}}(?:,[0-9]{{0,3}})?\}})?")
_MAX_TRIES = 100_000
"""Most ways in which a text can be divided among the variable-length parts of one alternative."""


def read_card(cell: str, pattern: str | None) -> str:
    """`pattern` must match the whole number; None allows letters and digits with common punctuation. Raises
    Unreadable."""
    require_meant(cell)
    if cell[0] in "='":
        raise Unreadable("is a spreadsheet's text: must be the card's number alone")
    if len(cell) > _MAX_CHARACTERS:
        raise Unreadable(f"must have {_MAX_CHARACTERS} characters at most")
    cell = unicodedata.normalize("NFC", cell)
    if len(cell) >= FILLS and cell.isdigit() and is_filler(cell):
        raise Unreadable("is a placeholder, which names nobody: leave it empty")
    if not _compile_pattern(pattern).fullmatch(cell) or (pattern is None and not _is_plain(cell)):
        wanted = f"must match the store's card_pattern {pattern}" if pattern else _COMMON_RULE
        raise Unreadable(wanted)
    return cell


def _is_plain(cell: str) -> bool:
    """Whether all characters are visible, digits are 0-9, and no letter is full-width."""
    digits = "".join(letter for letter in cell if letter.isdigit())
    return cell.isprintable() and digits.isascii() and unicodedata.normalize("NFKC", cell) == cell


@lru_cache(maxsize=256)
def _compile_pattern(pattern: str | None) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII) if pattern else _COMMON_PATTERN


def require_pattern(pattern: str) -> None:
    """Raises ValueError for an invalid regular expression, and for one that could take long to match.

    Only alternatives of characters and classes with quantifiers are allowed, and no groups: so the cost of
    matching can be bounded in advance.
    """
    alternatives = _quantifiers_by_alternative(pattern)
    for alternative in alternatives:
        if _count_tries(alternative) > _MAX_TRIES:
            raise ValueError("has too many parts of no fixed length: it could take very long to match")
    try:
        re.compile(pattern, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is no regular expression: {error}") from None


def _quantifiers_by_alternative(pattern: str) -> list[list[str]]:
    """The quantifiers of the parts of each alternative."""
    found: list[list[str]] = [[]]
    at = 0
    while at < len(pattern):
        if pattern[at] == "|":
            found.append([])
            at += 1
            continue
        part = _PART.match(pattern, at)
        if part is None:
            raise ValueError(
                "must be made of characters and classes such as [0-9]{8}, with | between alternatives"
            )
        found[-1].append(part[1] or "")
        at = part.end()
    return found


def _count_tries(quantifiers: list[str]) -> int:
    tries = 1
    for each in quantifiers:
        tries *= _count_lengths(each)
    return tries


def _count_lengths(quantifier: str) -> int:
    """How many lengths the part can have within a text of maximum length."""
    match quantifier:
        case "":
            return 1
        case "?":
            return 2
        case "*" | "+":
            return _MAX_CHARACTERS
    least, comma, most = quantifier[1:-1].partition(",")
    return max(1, int(most or _MAX_CHARACTERS) - int(least) + 1) if comma else 1

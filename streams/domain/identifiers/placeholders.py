"""What stands in a cell instead of an identifier: a placeholder, or a spreadsheet's remains. Pure."""

import re
import unicodedata

_WORD_LIST = """
    na nan null none nil nothing brak brakdanych nd niedotyczy niema nieznany nieznana undefined unknown
    unavailable notavailable notapplicable missing empty blank void keine keiner kein aucun aucune ninguno
    ninguna nessuno nenhum geen ingen no nie nein test tbd tba todo dummy noemail nomail nophone nocard true
    false x xx xxx xxxx
"""
_WORDS = frozenset(_WORD_LIST.split())
"""Small letters, without what is neither letter nor digit: N/A and n.a. are one word."""
_ID_WORDS = frozenset({"na", "nan", "null", "none", "nil", "brak", "undefined"})
_ERROR = re.compile(r"#([A-Z]{2,10}[!?]|DIV/0!|N/[AVD]|NV|DZIEL/0!)", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?E[+-][0-9]+|[+-]?[0-9]+[.,][0-9]+E[0-9]+", re.IGNORECASE)
_DECIMAL = re.compile(r"[+-]?[0-9]{2,}[.,]0{1,6}")
FILLS = 6
"""Digits from which on a card's number or a phone's that is all one digit is nobody's."""
_COUNTING_DIGITS = ("01234567890", "09876543210")
_FORMULA = re.compile(r'="([^"]*)"')


class Unreadable(ValueError):
    """Says why a text is no identifier: `is …` or `must be …`."""


def trimmed(text: str) -> str:
    """Without the blanks, controls and invisible characters around it: they come along when it is copied."""
    start, end = 0, len(text)
    while start < end and _is_invisible(text[start]):
        start += 1
    while start < end and _is_invisible(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_invisible(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter) in {"Cc", "Cf", "Zs", "Zl", "Zp"}


def unwrapped(cell: str) -> str:
    """What a spreadsheet was made to keep as text by `'…` or `="…"`."""
    formula = _FORMULA.fullmatch(cell)
    return trimmed(formula[1] if formula else cell.removeprefix("'"))


def require_meant(text: str) -> None:
    """Raises Unreadable for a placeholder and for a spreadsheet's remains. `text` is trimmed."""
    if is_placeholder(text):
        raise Unreadable("is a placeholder, which names nobody: leave it empty")
    remains = _spreadsheet_artefact(text)
    if remains:
        raise Unreadable(f"is {remains} of a spreadsheet: format the column as text and export it again")


def require_own_id(text: str) -> None:
    """As `require_meant`, of an id or a number that somebody's system gave: few words are none there."""
    letters = _letters_and_digits(text)
    remains = None if _DECIMAL.fullmatch(text) else _spreadsheet_artefact(text)
    if not letters or letters in _ID_WORDS:
        raise Unreadable("is a placeholder, and the id of nothing")
    if remains:
        raise Unreadable(f"is {remains} of a spreadsheet: format the column as text and export it again")


def is_placeholder(text: str) -> bool:
    letters = _letters_and_digits(text)
    return not letters or letters in _WORDS


def _letters_and_digits(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _spreadsheet_artefact(text: str) -> str | None:
    if _ERROR.fullmatch(text):
        return "an error"
    if _SCIENTIFIC.fullmatch(text):
        return "a number in scientific notation"
    if _DECIMAL.fullmatch(text):
        return "a number with decimals"
    return None


def is_filler(digits: str) -> bool:
    """Whether somebody typed them to fill a field: all the same, or counted up or down."""
    if len(set(digits)) == 1:
        return True
    return len(digits) >= 8 and any(digits in row for row in _COUNTING_DIGITS)

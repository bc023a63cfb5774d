"""Recognises placeholders and spreadsheet artefacts in place of identifiers. Pure."""

import re
import unicodedata

_WORD_LIST = """
    na nan null none nil nothing brak brakdanych nd niedotyczy niema nieznany nieznana undefined unknown
    unavailable notavailable notapplicable missing empty blank void keine keiner kein aucun aucune ninguno
    ninguna nessuno nenhum geen ingen no nie nein test tbd tba todo dummy noemail nomail nophone nocard true
    false x xx xxx xxxx
"""
_WORDS = frozenset(_WORD_LIST.split())
"""In lower case, letters and digits only: N/A and n.a. are one word."""
_ID_WORDS = frozenset({"na", "nan", "null", "none", "nil", "brak", "undefined"})
_ERROR = re.compile(r"#([A-Z]{2,10}[!?]|DIV/0!|N/[AVD]|NV|DZIEL/0!)", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?E[+-][0-9]+|[+-]?[0-9]+[.,][0-9]+E[0-9]+", re.IGNORECASE)
_DECIMAL = re.compile(r"[+-]?[0-9]{2,}[.,]0{1,6}")
FILLS = 6
"""A number of so many digits or more that are all the same is a placeholder."""
_COUNTING_DIGITS = ("01234567890", "09876543210")
_FORMULA = re.compile(r'="([^"]*)"')


class Unreadable(ValueError):
    """Says why a text is not an identifier: `is …` or `must be …`."""


def trimmed(text: str) -> str:
    """Removes surrounding blanks, controls and invisible characters, which come with copied text."""
    start, end = 0, len(text)
    while start < end and _is_invisible(text[start]):
        start += 1
    while start < end and _is_invisible(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_invisible(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter) in {"Cc", "Cf", "Zs", "Zl", "Zp"}


def unwrapped(cell: str) -> str:
    """Removes `'…` or `="…"`, which make a spreadsheet keep a cell as text."""
    formula = _FORMULA.fullmatch(cell)
    return trimmed(formula[1] if formula else cell.removeprefix("'"))


def require_meant(text: str) -> None:
    """Raises Unreadable for placeholders and spreadsheet artefacts. `text` must be trimmed."""
    if is_placeholder(text):
        raise Unreadable("is a placeholder, which names nobody: leave it empty")
    remains = _spreadsheet_artefact(text)
    if remains:
        raise Unreadable(f"is {remains} of a spreadsheet: format the column as text and export it again")


def require_own_id(text: str) -> None:
    """As `require_meant`, but for ids given by other systems, where only few words are placeholders."""
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
    """Whether the digits only fill a field: all are the same, or count up or down."""
    if len(set(digits)) == 1:
        return True
    return len(digits) >= 8 and any(digits in row for row in _COUNTING_DIGITS)

"""Normalises phone numbers to E.164. Pure."""

import re
import unicodedata

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, ValidationResult

from streams.domain.identifiers.placeholders import Unreadable, is_filler, require_meant, unwrapped

EXAMPLE = "+48600100200"
_NUMBER_PATTERN = re.compile(r"[(]?[+]?[0-9(][0-9 ()./-]*")
_ALLOWED_CHARACTERS = re.compile(r"[0-9 ()./+-]*")
_MAX_CHARACTERS = 64
_MAX_DIGITS = 17
"""The 15 digits of E.164, and a leading 00."""
# U+2212 is the minus sign, U+30FC the Japanese prolonged sound mark.
_DASHES = "\u2212\u30fc"
_ASCII_EQUIVALENTS = {"\uff0b": "+", "\uff08": "(", "\uff09": ")", "\uff0e": ".", "\uff0f": "/"}
_LENGTH_REASONS = {
    ValidationResult.TOO_LONG: "has too many digits for one number",
    ValidationResult.TOO_SHORT: "has too few digits",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "lacks the area's code",
}


class NoCountry(Unreadable):
    """The number may be valid, but its country is not known."""


def read_phone(cell: str, region: str | None) -> str:
    """The number in E.164. `region` is the country whose numbers may lack the +. Raises Unreadable,
    NoCountry.

    With the + a possible length is enough, because the numbers in use change faster than any list. Without it
    the number must be a valid one, or a lost digit would go unnoticed.
    """
    typed = _to_typed_digits(cell)
    national = "+" not in typed
    if national and is_filler(_count_digits(typed)):
        raise Unreadable("is a placeholder: if it is real, write it with + and its country's code")
    if len(_count_digits(typed)) > _MAX_DIGITS:
        raise Unreadable(f"must be one number, such as {EXAMPLE}")
    if national and region is None:
        raise NoCountry(
            f"must begin with + and the country's code, such as {EXAMPLE}: the store has no phone_region"
        )
    number = _remove_trunk_prefix(_parse_number(typed, region))
    verdict = phonenumbers.is_possible_number_with_reason(number)
    if verdict != ValidationResult.IS_POSSIBLE:
        reason = _LENGTH_REASONS.get(verdict, "has a number of digits that no number there has")
        raise Unreadable(f"{reason}: +{number.country_code} is its country's code")
    filler = len(set(phonenumbers.national_significant_number(number))) == 1
    if (national or filler) and not phonenumbers.is_valid_number(number):
        where = f" in {region}: if it is, write it with + and its country's code" if national else ""
        raise Unreadable(f"is no number in use{where}")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _to_typed_digits(cell: str) -> str:
    """The digits with the punctuation of phone numbers, in ASCII."""
    require_meant(cell)
    text = "".join(_to_plain_characters(letter) for letter in unwrapped(cell))
    require_meant(text)
    if len(text) > _MAX_CHARACTERS:
        raise Unreadable(f"must have {_MAX_CHARACTERS} characters at most")
    if not _ALLOWED_CHARACTERS.fullmatch(text):
        raise Unreadable(f"must hold digits alone, with blanks, dashes, dots or brackets, such as {EXAMPLE}")
    if not _NUMBER_PATTERN.fullmatch(text) or not _is_one_number(text):
        raise Unreadable(f"must be one number, such as {EXAMPLE}")
    return text


def _to_plain_characters(letter: str) -> str:
    """Removes invisible characters, and replaces blanks, dashes and digits of all scripts by ASCII ones."""
    match unicodedata.category(letter):
        case "Cf":
            return ""
        case "Zs":
            return " "
        case "Pd":
            return "-"
        case "Nd":
            return str(unicodedata.decimal(letter))
    return "-" if letter in _DASHES else _ASCII_EQUIVALENTS.get(letter, letter)


def _is_one_number(text: str) -> bool:
    """Whether the text is a single number: one slash may follow the area code, others separate two
    numbers."""
    area, slash, rest = text.partition("/")
    return not slash or ("/" not in rest and text[0] in "(+0" and len(_count_digits(area)) <= 8)


def _count_digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def _parse_number(typed: str, region: str | None) -> PhoneNumber:
    try:
        return phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException as error:
        if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
            raise Unreadable("begins with the code of no country") from None
        raise Unreadable(f"is no phone number, such as {EXAMPLE}") from None


def _remove_trunk_prefix(number: PhoneNumber) -> PhoneNumber:
    """Removes a trunk prefix 0 after the country code, if the number is valid only without it."""
    national = phonenumbers.national_significant_number(number)
    if not national.startswith("0") or phonenumbers.is_valid_number(number):
        return number
    try:
        bare = phonenumbers.parse(f"+{number.country_code}{national[1:]}")
    except phonenumbers.NumberParseException:
        return number
    return bare if phonenumbers.is_valid_number(bare) else number


def is_region(code: str) -> bool:
    return code in phonenumbers.SUPPORTED_REGIONS

"""E-mail addresses: their syntax, and the one form of each. Pure: nothing is looked up."""

import unicodedata
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email

from streams.domain.identifiers.placeholders import Unreadable, require_meant

_LINK_PREFIXES = ("mailto:", "http:", "https:")


class Address(NamedTuple):
    """`written`: in Unicode's composed form, its domain in small letters. `ascii`: with the domain in ASCII,
    if the rest is ASCII too."""

    written: str
    ascii: str | None


def read_email(cell: str) -> Address:
    """Raises Unreadable."""
    require_meant(cell)
    if cell.casefold().startswith(_LINK_PREFIXES):
        raise Unreadable("is a link: must be the address alone, such as name@example.com")
    if "@" not in cell:
        raise Unreadable("is no e-mail address, such as name@example.com")
    try:
        found = validate_email(cell, check_deliverability=False)
    except EmailNotValidError as error:
        raise Unreadable(
            f"is no e-mail address, such as name@example.com: {_lower_domain(str(error))}"
        ) from None
    except (ValueError, IndexError):
        # What the libraries below it raise for domains that they cannot encode.
        raise Unreadable("is no e-mail address, such as name@example.com") from None
    return Address(found.normalized, found.ascii_email)


def _lower_domain(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def folded(address: str) -> str:
    """For comparing: no mailbox in use tells capitals from small letters."""
    local, at, domain = address.rpartition("@")
    return unicodedata.normalize("NFC", local.casefold()) + at + domain.lower()

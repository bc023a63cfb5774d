"""Reads e-mail addresses: checks the syntax and normalises. Pure, without any DNS lookup."""

import unicodedata
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email

from streams.domain.identifiers.placeholders import Unreadable, require_meant

_LINK_PREFIXES = ("mailto:", "http:", "https:")


class Address(NamedTuple):
    """`written` is in Unicode's composed form (NFC) with a lower-case domain. `ascii` has the domain in
    ASCII, if the local part is ASCII too."""

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
        # The underlying libraries raise these for domains that they cannot encode.
        raise Unreadable("is no e-mail address, such as name@example.com") from None
    return Address(found.normalized, found.ascii_email)


def _lower_domain(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def folded(address: str) -> str:
    """The form for comparison, case-insensitive, as no mailbox in use is case-sensitive."""
    local, at, domain = address.rpartition("@")
    return unicodedata.normalize("NFC", local.casefold()) + at + domain.lower()

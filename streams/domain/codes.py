"""Checks codes that were sent to a member, and limits the number of tries.

A number of six digits can be guessed in a million tries. So each wrong code is a fact (`WrongCodeGiven`), and
after MAX_CODE_TRIES of them the code is void: the member has to request another one.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from streams.domain.state import Secret, State
from streams.errors import Rejected

CODE_LIFETIME = timedelta(hours=24)
MAX_CODE_TRIES = 5
CONTACT_CHANGES = ("email", "phone")
"""The contact details whose change needs a code."""
# The rejection does not repeat the code, which may be valid for somebody else.
WRONG_CODE = Rejected("code", "…", "is not the one that was sent last")


@dataclass(frozen=True, slots=True)
class WrongCode:
    """The code is not one that was sent for these purposes."""

    purposes: tuple[str, ...]


def find_code(state: State, purposes: tuple[str, ...], code: str, now: datetime) -> Secret | WrongCode:
    """The sent code that `code` equals, or WrongCode. Raises Rejected if no code was sent, or if it is no
    longer valid."""
    sent = [secret for purpose in purposes if (secret := state.get(Secret, purpose.encode()))]
    if not sent:
        raise WRONG_CODE
    live = [secret for secret in sent if secret.wrong < MAX_CODE_TRIES]
    if not live:
        raise Rejected(
            "code", "…", f"may not be tried any more, after {MAX_CODE_TRIES} wrong ones: ask for another"
        )
    # All are compared, so that the time does not depend on which one matches.
    fitting = [secret for secret, fits in [(each, _is_code(each, code)) for each in live] if fits]
    if not fitting:
        return WrongCode(tuple(secret.purpose for secret in live))
    if now - fitting[0].issued_at > CODE_LIFETIME:
        hours = CODE_LIFETIME // timedelta(hours=1)
        raise Rejected("code", "…", f"was sent more than {hours} hours ago")
    return fitting[0]


def _is_code(secret: Secret, code: str) -> bool:
    """Compares in constant time, by digests, both the token and the number."""
    given = _digest(code)
    return (given == _digest(secret.code)) | (given == _digest(str(secret.code_number)))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="backslashreplace")).digest()

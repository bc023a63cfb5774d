"""Codes that were sent to a member: given back, and tried no more often than a guesser may.

A number of six digits is guessed by a million tries. So each wrong one is a fact (`WrongCodeGiven`), and
after MOST_TRIES of them the code is void, the right one too: the member asks for another.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from streams.domain.state import Secret, State
from streams.errors import Rejected

CODE_LIFETIME = timedelta(hours=24)
MAX_CODE_TRIES = 5
CONTACT_CHANGES = ("email", "phone")
"""What a change is confirmed for."""
# A code is not repeated in what is refused: it may be right for somebody else.
WRONG_CODE = Rejected("code", "…", "is not the one that was sent last")


@dataclass(frozen=True, slots=True)
class WrongCode:
    """The code is none of those that were sent for these purposes."""

    purposes: tuple[str, ...]


def find_code(state: State, purposes: tuple[str, ...], code: str, now: datetime) -> Secret | WrongCode:
    """Which of the codes that were sent for these purposes it is. Raises Rejected where none was, or it may
    not be used any more."""
    sent = [secret for purpose in purposes if (secret := state.get(Secret, purpose.encode()))]
    if not sent:
        raise WRONG_CODE
    live = [secret for secret in sent if secret.wrong < MAX_CODE_TRIES]
    if not live:
        raise Rejected(
            "code", "…", f"may not be tried any more, after {MAX_CODE_TRIES} wrong ones: ask for another"
        )
    # All are compared, whichever fits.
    fitting = [secret for secret, fits in [(each, _is(each, code)) for each in live] if fits]
    if not fitting:
        return WrongCode(tuple(secret.purpose for secret in live))
    if now - fitting[0].issued_at > CODE_LIFETIME:
        hours = CODE_LIFETIME // timedelta(hours=1)
        raise Rejected("code", "…", f"was sent more than {hours} hours ago")
    return fitting[0]


def _is(secret: Secret, code: str) -> bool:
    """The time that it takes tells nothing of the code: digests are compared, both of them."""
    given = _digest(code)
    return (given == _digest(secret.code)) | (given == _digest(str(secret.code_number)))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="backslashreplace")).digest()

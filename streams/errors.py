"""The error tree.

    LoyaltyError
    ├── Misconfigured     the operator's mistake: one sentence, exit code 2, no stack trace
    ├── Rejected          the command breaks a rule: to `rejections`, 4xx at the REST door
    ├── Poison            the record is unreadable, has a wrong key, or answers no request: to `poison`
    └── Retryable         an outside failure that may pass: try again later
        ├── StoreFailed   the disk takes no more, or another process has the folder
        └── StoreDamaged  what the disk gives back is not what was written: made again at the next start

Anything outside this tree is a bug or a broken machine: the transaction is aborted, the process ends.
A record that ends it again and again is put aside in the end: see `streams.runtime.poison_suspects`.
"""


class LoyaltyError(Exception):
    """Root of all errors that this project raises on purpose."""


class Misconfigured(LoyaltyError):
    """Says which setting, its value, and what would be valid."""


class Rejected(LoyaltyError):
    """A command refused by a rule of the programme. Names the field, its value and the reason."""

    def __init__(self, field: str, value: object, reason: str) -> None:
        super().__init__(f"{field} {value!r} {reason}")
        self.field = field
        self.value = value
        self.reason = reason


class Poison(LoyaltyError):
    """A record that cannot be processed, and whose sender cannot be told."""


class Retryable(LoyaltyError):
    """An outside failure that may pass."""


class StoreFailed(Retryable):
    """The disk refuses work, for a reason other than damage. Names the folder and the reason."""


class StoreDamaged(Retryable):
    """A state folder on this disk cannot be read. It is set aside when it is opened the next time."""

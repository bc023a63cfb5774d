"""What is written on the audit topic: each change of a subscription, settings or a key, before it is made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, Protocol, TypeVar
from uuid import uuid4

from api.auth.authentication import CHANGE_SOURCE, ChangeSource
from streams.access import Change
from streams.domain.values import Value

V = TypeVar("V", bound=Value)
AuditAction = Literal["created", "changed", "deleted"]
AuditSubject = Literal[
    "subscription", "settings", "admin", "API key", "replay", "delivery", "member", "listener"
]


@dataclass(frozen=True, slots=True)
class AuditTrail:
    """`append` returns when the change is durable, and raises Retryable."""

    append: Callable[[Change], Awaitable[None]]
    now: Callable[[], datetime]

    async def record(
        self, action: AuditAction, subject: AuditSubject, subject_id: str, source: ChangeSource | None = None
    ) -> None:
        """Of `source`, or of whoever the request under way is from."""
        source = source or CHANGE_SOURCE.get() or ChangeSource("unknown", "")
        await self.append(
            Change(
                change_id=str(uuid4()),
                at=self.now(),
                who=source.who[:255],
                address=source.address[:255],
                action=action,
                subject=subject,
                subject_id=subject_id,
            )
        )


MakeValue = Callable[[V | None], V | None]
"""From what there is to what there is to be; None: nothing."""
AnnounceChange = Callable[[V | None, V | None], Awaitable[None]]


class ChangeLog(Protocol[V]):
    """A compacted topic, written and followed."""

    async def change(self, key: str, make: MakeValue[V], announce: AnnounceChange[V]) -> None:
        """What `make` gives is durable, and to be seen, when it returns; where it is another thing than
        before, `announce` was done first. Nobody changed it in between: where somebody did, both are called
        again. What they raise ends it. Raises Retryable."""

    async def current(self) -> None:
        """Returns once all is to be seen that was written before the call, by whichever process."""


class AuditedLog(Generic[V]):
    """A log that records each change on the audit topic before it makes it."""

    def __init__(self, log: ChangeLog[V], audit: AuditTrail, subject: AuditSubject) -> None:
        self._log = log
        self._audit = audit
        self._subject: AuditSubject = subject

    async def change(self, key: str, make: MakeValue[V]) -> None:
        """What is left as it is changes nothing, and is not recorded."""
        # Of the one whose change it is: it may be written beside those of others.
        recorded, source = False, CHANGE_SOURCE.get()

        async def record(before: V | None, after: V | None) -> None:
            nonlocal recorded
            if not recorded:
                await self._audit.record(_action(before, after), self._subject, key, source)
                recorded = True

        await self._log.change(key, make, record)

    async def write(self, key: str, value: V | None) -> None:
        await self.change(key, lambda _: value)

    async def current(self) -> None:
        await self._log.current()


def _action(before: Value | None, after: Value | None) -> AuditAction:
    if after is None:
        return "deleted"
    return "created" if before is None else "changed"

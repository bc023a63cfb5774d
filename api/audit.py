"""What is written on the audit topic: each change of a subscription, settings or a key, before it is made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, Protocol, TypeVar
from uuid import uuid4

from api.auth import SOURCE, Source
from streams.access import Change
from streams.domain.values import Value

V_contra = TypeVar("V_contra", bound=Value, contravariant=True)
Action = Literal["created", "changed", "deleted"]
Subject = Literal["subscription", "settings", "admin", "API key", "replay", "delivery", "member"]


@dataclass(frozen=True, slots=True)
class Audit:
    """`append` returns when the change is durable, and raises Retryable."""

    append: Callable[[Change], Awaitable[None]]
    now: Callable[[], datetime]

    async def record(self, action: Action, subject: Subject, subject_id: str) -> None:
        """Of whoever the request under way is from."""
        source = SOURCE.get() or Source("unknown", "")
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


class Log(Protocol[V_contra]):
    """A compacted topic, written and followed."""

    async def write(self, key: str, value: V_contra | None) -> None: ...

    async def current(self) -> None: ...


class Audited(Generic[V_contra]):
    """The same log, each write of which is recorded first. `known`: whether there is such a one already."""

    def __init__(
        self, log: Log[V_contra], audit: Audit, subject: Subject, known: Callable[[str], object | None]
    ) -> None:
        self._log = log
        self._audit = audit
        self._subject: Subject = subject
        self._known = known

    async def write(self, key: str, value: V_contra | None) -> None:
        action: Action = "created" if self._known(key) is None else "changed"
        await self._audit.record("deleted" if value is None else action, self._subject, key)
        await self._log.write(key, value)

    async def current(self) -> None:
        await self._log.current()

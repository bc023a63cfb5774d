"""Who has signed out: sessions whose cookie opens nothing any more, whoever has a copy of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from streams.access import SignOut


class SignOutLog(Protocol):
    async def write(self, key: str, value: SignOut | None) -> None:
        """Durable, and told to `SignOuts.put`, when it returns. Raises Retryable."""


class SignOuts:
    """All of them by the session's id, kept current from their topic; in memory alone until there is one."""

    def __init__(self) -> None:
        self._ended: dict[str, SignOut] = {}

    def put(self, session_id: str, ended: SignOut | None) -> None:
        if ended is None:
            self._ended.pop(session_id, None)
        else:
            self._ended[session_id] = ended

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._ended

    def over(self, now: datetime) -> list[str]:
        """Sessions that would have ended by themselves: nothing need be kept of them."""
        return [ended.session_id for ended in self._ended.values() if ended.ends_at <= now]


class Revocations:
    """`log` None: they are kept by this process, for as long as it lives."""

    def __init__(self, known: SignOuts, log: SignOutLog | None, now: Callable[[], datetime]) -> None:
        self._known = known
        self._log = log
        self._now = now

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._known

    async def add(self, ended: SignOut) -> None:
        """Raises Retryable: then the session goes on."""
        await self._write(ended.session_id, ended)
        for session_id in self._known.over(self._now()):
            await self._write(session_id, None)

    async def _write(self, session_id: str, value: SignOut | None) -> None:
        if self._log is None:
            self._known.put(session_id, value)
        else:
            await self._log.write(session_id, value)

"""Sending a command and waiting for what becomes of it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from api.problems import Busy
from api.services.idempotency import require_same
from streams.domain.commands import Command
from streams.domain.state import Entry, Handled, State
from streams.stages.command_dedup import CommandOutcome, command_outcome, last_step, step_id
from streams.tables.replica import decode_entry
from streams.tables.tables import Tables


class CommandLog(Protocol):
    async def append(self, command: Command, fingerprint: str) -> None:
        """Durable when it returns. Raises Retryable: then it was written or not."""


class CommittedState(Protocol):
    """The members' entries, replicated: what is here was committed a moment ago, or at `current`'s call."""

    def state(self, owner: str) -> State:
        """What an owner has. Raises Retryable while that is not known."""

    def partition_tables(self) -> Iterator[Tables]:
        """The tables of one partition after the other, for one thread that reads all of them. Raises
        Retryable while they are not known."""

    def holders(self, kind: type[Entry], key: str) -> Iterator[str]:
        """Whose entries of that kind have that key."""

    async def current(self, owner: str | None, tables: tuple[str, ...]) -> None:
        """Returns once those tables have all that was committed before the call, as far as the owner needs
        them; of all owners for None. Raises Retryable."""


@dataclass(slots=True, eq=False)
class _Waiter:
    command_id: str
    fingerprint: str
    done: "asyncio.Future[CommandOutcome]"
    seen: dict[str, tuple[str, Handled]] = field(default_factory=dict)

    def take(self, owner: str, handled: Handled) -> None:
        self.seen[handled.command_id] = owner, handled
        found = command_outcome(self.command_id, self.seen.get)
        if found and not self.done.done():
            self.done.set_result(found)


class CommandOutcomes:
    """At most `most` commands wait at once, each for `wait` seconds."""

    def __init__(self, log: CommandLog, book: CommittedState, *, wait: float, most: int) -> None:
        self._log = log
        self._book = book
        self._wait = wait
        self._most = most
        self._waiting: dict[str, list[_Waiter]] = {}
        self._count = 0

    async def send(self, command: Command, fingerprint: str = "") -> CommandOutcome | None:
        """How it ended; None where that takes longer. `fingerprint`: of what was asked, where it may have
        been asked before, by whichever process.

        Raises Busy, KeyReused where another thing was asked under the same id, and Retryable where it was
        perhaps not written.
        """
        for other in self._waiting.get(command.command_id, ()):
            require_same(other.fingerprint, fingerprint)
        with self._waiter(command, fingerprint) as waiter:
            # A repeated one that was handled leads to nothing more.
            ended = await self._known(command.command_id, fingerprint) if fingerprint else None
            if ended is None:
                await self._log.append(command, fingerprint)
                ended = await self._awaited(waiter)
            if ended:
                require_same(ended.fingerprint, fingerprint)
            return ended

    async def _known(self, command_id: str, fingerprint: str) -> CommandOutcome | None:
        """How it ended. Raises KeyReused, though it may not have."""
        await self._book.current(None, (Handled.table,))
        begun = self._remembered(command_id)
        if begun:
            require_same(begun[1].fingerprint, fingerprint)
        return self.before(command_id)

    async def _awaited(self, waiter: _Waiter) -> CommandOutcome | None:
        try:
            return await asyncio.wait_for(waiter.done, self._wait)
        except TimeoutError:
            # Handled before it was waited for, where another process was asked the same.
            return self.before(waiter.command_id)

    def before(self, command_id: str) -> CommandOutcome | None:
        """How a command ended, as far as it is remembered here."""
        return command_outcome(command_id, self._remembered)

    def _remembered(self, memory_id: str) -> tuple[str, Handled] | None:
        for owner in self._book.holders(Handled, memory_id):
            handled = self._book.state(owner).get(Handled, memory_id.encode())
            if handled:
                return owner, handled
        return None

    def heard(self, owner: str, value: bytes) -> None:
        """A memory of a command has come; on any thread."""
        if not self._waiting:
            return
        handled = decode_entry(Handled, value)
        for waiter in list(self._waiting.get(handled.command_id, ())):
            waiter.done.get_loop().call_soon_threadsafe(waiter.take, owner, handled)

    @contextmanager
    def _waiter(self, command: Command, fingerprint: str) -> Iterator[_Waiter]:
        if self._count >= self._most:
            raise Busy
        waiter = _Waiter(command.command_id, fingerprint, asyncio.get_running_loop().create_future())
        step = last_step(command)
        ids = [command.command_id, *([step_id(command.command_id, step)] if step else [])]
        self._count += 1
        for each in ids:
            self._waiting.setdefault(each, []).append(waiter)
        try:
            yield waiter
        finally:
            self._count -= 1
            for each in ids:
                self._waiting[each].remove(waiter)
                if not self._waiting[each]:
                    del self._waiting[each]

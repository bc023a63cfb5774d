"""Removes listeners whose lease is over. Every API process does, so that none must live for it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import NoReturn

from api.auth.audit import AuditTrail
from api.auth.authentication import ChangeSource
from api.services.listeners import ListenerPorts
from streams.delivery.listeners import LEASE, Listener
from streams.errors import Retryable

TIDY_INTERVAL = LEASE / 4
LEASE_OVER = ChangeSource("lease over", "")
"""Who ended a listener that did not ask any more."""


async def remove_ended_listeners(
    ports: ListenerPorts, audit: AuditTrail, now: Callable[[], datetime]
) -> NoReturn:
    """Removes the listeners whose lease is over, for ever."""
    while True:
        with suppress(Retryable):
            await remove_ended(ports, audit, now())
        await asyncio.sleep(TIDY_INTERVAL.total_seconds())


async def remove_ended(ports: ListenerPorts, audit: AuditTrail, now: datetime) -> None:
    """Raises Retryable."""

    def remove_if_over(before: Listener | None) -> Listener | None:
        # It may have been renewed by another process meanwhile.
        return before if before and not before.is_over(now) else None

    for each in ports.listeners.all():
        if each.is_over(now):
            id_ = each.listener_id

            async def record(_: object, __: object, listener_id: str = id_) -> None:
                await audit.record("deleted", "listener", listener_id, LEASE_OVER)

            await ports.log.change(id_, remove_if_over, record)

"""The loyalty stage's state, restored from its changelogs into tables of the asking process.

Only Kafka is read; no worker waits. The restored tables stay on disk, so that the next snapshot reads only
what was appended since.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from streams.delivery.records import Subscription
from streams.domain.state import Member
from streams.domain.store import StoreSettings
from streams.domain.values import Value
from streams.errors import Misconfigured
from streams.kafka.clients import Connection
from streams.kafka.compacted_view import CompactedView
from streams.kafka.topic_admin import partitions
from streams.runtime.instance import hold_instance
from streams.runtime.restore import restore_tables
from streams.runtime.restore_progress import TellProgress
from streams.runtime.state_versions import read_state_version, require_layout
from streams.settings import Settings
from streams.spelling import suggest
from streams.stages.context import Clock, StreamClock, WallClock
from streams.stages.loyalty import LoyaltyStage
from streams.tables.owner_entries import OwnerState
from streams.tables.tables import Tables, open_tables
from streams.topics import COMMANDS, SETTINGS, SUBSCRIPTIONS, Topic

V = TypeVar("V", bound=Value)


class MemberVisitor(Protocol):
    """Gets the members of a store one by one. What it changes in `draft` is discarded."""

    def look(self, draft: OwnerState, member_id: str, now: datetime, /) -> None: ...


SLICE_ENTRIES = 2000
"""How many entries are read before the tables forget what they have read."""


def read_stores(connection: Connection) -> dict[str, StoreSettings | None]:
    """The present settings of all stores. Raises Retryable if the cluster does not answer."""
    return _read_latest(connection, SETTINGS, StoreSettings)


def read_subscriptions(connection: Connection) -> dict[str, Subscription | None]:
    """All subscriptions as they are now, by id; None for a deleted one. Raises Retryable."""
    return _read_latest(connection, SUBSCRIPTIONS, Subscription)


def _read_latest(connection: Connection, topic: Topic, kind: type[V]) -> dict[str, V | None]:
    found: dict[str, V | None] = {}

    async def read() -> None:
        view = CompactedView(connection, topic, kind, found.__setitem__)
        try:
            await view.start()
        finally:
            await view.stop()

    asyncio.run(read())
    return found


def describe_unknown_store(store: str, codes: Collection[str]) -> str:
    """Says that there is no such store, and which may be meant or what to do."""
    advice = suggest(store, codes) if codes else "there is none yet; `loyalty store put FILE` makes one"
    return f"There is no store {store!r}: {advice}"


def read_store_settings(connection: Connection, store: str) -> StoreSettings:
    """The store's present settings. Raises Misconfigured if it has none."""
    found = read_stores(connection)
    settings = found.get(store)
    if settings is None:
        raise Misconfigured(describe_unknown_store(store, [code for code, kept in found.items() if kept]))
    return settings


def visit_members(
    settings: Settings, connection: Connection, store: str, watcher: MemberVisitor, tell: TellProgress
) -> int:
    """Shows `watcher` every member of the store, and returns their number."""
    clock: Clock = StreamClock() if settings.clock == "stream" else WallClock()
    shown, count = 0, partitions(connection)[COMMANDS.name]
    require_layout(read_state_version(connection))
    with hold_instance(settings, "preview", connection.generation) as who:
        for number in range(count):
            place = f"partition {number + 1} of {count}"
            report = partial(tell, f"{place}: reading the state")
            with closing(open_tables(who.directory / str(number), LoyaltyStage.kinds)) as tables:
                restore_tables(connection, number, tables, lambda: False, report)
                for more in visit_tables(watcher, tables, store, clock.now):
                    shown += more
                    tell(f"{place}: {shown:,} members looked at", 0, 0)
    return shown


def visit_tables(
    watcher: MemberVisitor, tables: Tables, store: str, time: Callable[[Tables], datetime]
) -> Iterator[int]:
    """Shows `watcher` every member of the store in these tables, and leaves the tables unchanged. Yields how
    many members it has shown since the last time. One slice of them is in memory at a time."""
    now, reached = time(tables), b""
    while True:
        owners, reached = tables.slice(Member, f"{store}/", reached, SLICE_ENTRIES)
        for owner, _ in owners:
            watcher.look(tables.of(owner), owner.removeprefix(f"{store}/"), now)
            # No other member needs this draft, and drafts would fill the memory.
            tables.abort()
        yield len(owners)
        if not reached:
            return

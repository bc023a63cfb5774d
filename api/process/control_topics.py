"""Small control topics: written, and read back before the caller hears of it."""

from typing import TypeVar

from api.auth.principals import Principals
from api.auth.sign_outs import SignOuts
from streams.access import Admin, ApiKey, Change, SignOut
from streams.delivery.listeners import Listener, Listeners
from streams.delivery.records import Delivery, EndpointStatus, Subscription
from streams.delivery.replay_jobs import ReplayJobs, ReplayOrder, ReplayProgress
from streams.delivery.subscription import Subscriptions
from streams.domain.commands import Command
from streams.domain.store import StoreSettings
from streams.domain.values import Value
from streams.kafka.clients import Connection
from streams.kafka.compacted_view import CompactedView
from streams.kafka.control_filter import ApplyRecord
from streams.kafka.end_offsets import EndOffsets
from streams.kafka.producer import RecordAppender
from streams.stages.command_dedup import FINGERPRINT_HEADER
from streams.stages.commands import owner_of
from streams.topics import (
    ADMINS,
    API_KEYS,
    AUDIT,
    COMMANDS,
    ENDPOINT_STATUS,
    LISTENER_EXAMPLES,
    LISTENERS,
    REPLAY_PROGRESS,
    REPLAYS,
    SETTINGS,
    SIGN_OUTS,
    SUBSCRIPTIONS,
)

VISIBLE_TIMEOUT = 5.0
V = TypeVar("V", bound=Value)


class ProgressLog:
    """How far replays are: each record has one writer at a time, who plays it."""

    def __init__(
        self, connection: Connection, appender: RecordAppender, view: CompactedView[ReplayProgress]
    ) -> None:
        self._place = connection.topic(REPLAY_PROGRESS), 0
        self._ends = EndOffsets(connection)
        self._appender = appender
        self._view = view

    async def write(self, key: str, value: ReplayProgress | None) -> None:
        """Seen in the view when it returns. Raises Retryable."""
        _, offset = await self._appender.append(REPLAY_PROGRESS, key, value)
        await self._view.reached(0, offset, VISIBLE_TIMEOUT)

    async def current(self) -> None:
        """Returns once the view has all that was written before the call."""
        end = (await self._ends.of([self._place]))[self._place]
        await self._view.reached(0, end - 1, VISIBLE_TIMEOUT)


class SignOutLog:
    """Sessions that were signed out of: each is written once, by whichever process was told."""

    def __init__(self, appender: RecordAppender, view: CompactedView[SignOut]) -> None:
        self._appender = appender
        self._view = view

    async def write(self, key: str, value: SignOut | None) -> None:
        """Seen in the view when it returns. Raises Retryable."""
        _, offset = await self._appender.append(SIGN_OUTS, key, value)
        await self._view.reached(0, offset, VISIBLE_TIMEOUT)


class AuditAppender:
    """The audit topic behind the API's port."""

    def __init__(self, appender: RecordAppender) -> None:
        self._appender = appender

    async def append(self, change: Change) -> None:
        await self._appender.append(AUDIT, change.subject_id, change)


class CommandAppender:
    """The commands topic behind the API's port."""

    def __init__(self, appender: RecordAppender) -> None:
        self._appender = appender

    async def append(self, command: Command, fingerprint: str) -> None:
        owner = owner_of(command.store, command.member_id)
        headers = {FINGERPRINT_HEADER: fingerprint.encode()} if fingerprint else {}
        await self._appender.append(COMMANDS, owner, command, headers)


class ExampleLog:
    """The topic of listeners' examples behind the API's port."""

    def __init__(self, appender: RecordAppender) -> None:
        self._appender = appender

    async def append(self, delivery: Delivery) -> None:
        await self._appender.append(LISTENER_EXAMPLES, delivery.subscription_id, delivery)


def follow_listeners(connection: Connection, listeners: Listeners) -> CompactedView[Listener]:
    """A view, not yet started, that keeps `listeners` as the topic is."""
    return CompactedView(connection, LISTENERS, Listener, listeners.put)


def follow_subscriptions(connection: Connection, index: Subscriptions) -> CompactedView[Subscription]:
    """A view, not yet started, that keeps `index` as the topic is."""

    def apply(key: str, value: Subscription | None) -> None:
        if value is None:
            index.drop(key)
        else:
            index.put(value)

    return CompactedView(connection, SUBSCRIPTIONS, Subscription, apply)


def follow_stores(connection: Connection, stores: dict[str, StoreSettings]) -> CompactedView[StoreSettings]:
    """The same for the settings of stores."""
    return CompactedView(connection, SETTINGS, StoreSettings, _kept(stores))


def follow_endpoint_statuses(
    connection: Connection, found: dict[str, EndpointStatus]
) -> CompactedView[EndpointStatus]:
    """The same for what the sinks tell of endpoints."""
    return CompactedView(connection, ENDPOINT_STATUS, EndpointStatus, _kept(found))


def _kept(values: dict[str, V]) -> ApplyRecord[V]:
    def apply(key: str, value: V | None) -> None:
        if value is None:
            values.pop(key, None)
        else:
            values[key] = value

    return apply


def follow_principals(
    connection: Connection, principals: Principals
) -> tuple[CompactedView[Admin], CompactedView[ApiKey]]:
    """The same for those who may call."""
    return (
        CompactedView(connection, ADMINS, Admin, principals.put_admin),
        CompactedView(connection, API_KEYS, ApiKey, principals.put_key),
    )


def follow_sign_outs(connection: Connection, known: SignOuts) -> CompactedView[SignOut]:
    """The same for sessions that were signed out of."""
    return CompactedView(connection, SIGN_OUTS, SignOut, known.put)


def follow_replays(
    connection: Connection, orders: ReplayJobs
) -> tuple[CompactedView[ReplayOrder], CompactedView[ReplayProgress]]:
    """The same for the replays that were asked for."""
    return (
        CompactedView(connection, REPLAYS, ReplayOrder, orders.put),
        CompactedView(connection, REPLAY_PROGRESS, ReplayProgress, orders.progressed),
    )

"""What the API's process works with: views, a replica of the members, the journal, an appender."""

import asyncio
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.auth.principals import Principals
from api.auth.sign_outs import SignOuts
from api.process.control_topics import (
    CommandAppender,
    ProgressLog,
    SignOutLog,
    follow_endpoint_statuses,
    follow_listeners,
    follow_principals,
    follow_replays,
    follow_sign_outs,
    follow_stores,
    follow_subscriptions,
)
from api.process.topic_log import TopicLog
from api.services.command_outcomes import CommandOutcomes
from streams.access import ApiKey
from streams.delivery.listeners import Listener, Listeners
from streams.delivery.records import EndpointStatus, Subscription
from streams.delivery.replay_jobs import ReplayJobs, ReplayOrder
from streams.delivery.subscription import Subscriptions
from streams.domain.store import StoreSettings
from streams.kafka.clients import Connection
from streams.kafka.compacted_view import CompactedView
from streams.kafka.producer import RecordAppender
from streams.kafka.topic_admin import partitions
from streams.projections.delivery_log import FollowedDeliveryLog
from streams.projections.listener_feed import ListenerFeed
from streams.projections.member_events import MemberEventReader
from streams.projections.member_replica import MemberStateReader
from streams.projections.member_webhook_events import MemberWebhookEventReader
from streams.projections.pipeline_monitor import PipelineMonitor
from streams.runtime.state_versions import watch_state_version
from streams.settings import Settings
from streams.topics import (
    API_KEYS,
    COMMANDS,
    LISTENERS,
    REPLAYS,
    SETTINGS,
    SUBSCRIPTIONS,
)


@dataclass(frozen=True, slots=True)
class ProcessParts:
    index: Subscriptions
    stores: dict[str, StoreSettings]
    views: tuple[CompactedView[Any], ...]
    appender: RecordAppender
    replicas: MemberStateReader
    outcomes: CommandOutcomes
    past: MemberEventReader
    journal: FollowedDeliveryLog
    published: MemberWebhookEventReader
    subscriptions: TopicLog[Subscription]
    settings: TopicLog[StoreSettings]
    principals: Principals
    keys: TopicLog[ApiKey]
    sign_outs: SignOuts
    sign_out_log: SignOutLog
    conditions: dict[str, EndpointStatus]
    orders: ReplayJobs
    order_log: TopicLog[ReplayOrder]
    progress_log: ProgressLog
    flow: PipelineMonitor
    listeners: Listeners
    listener_log: TopicLog[Listener]
    listener_feed: ListenerFeed

    def unread(self) -> list[str]:
        """What has not been read yet, or cannot be read any more."""
        behind = [f"the topic {view.name}, which is being read" for view in self.views if not view.caught_up]
        if not self.replicas.caught_up:
            behind.append("the members' state, which is being read")
        return behind

    def failures(self) -> Iterator[Coroutine[Any, Any, Any]]:
        """Whatever ends one of them for good."""
        yield from (view.failed() for view in self.views)
        yield self.appender.failed()
        yield self.replicas.failed()
        yield self.flow.failed()
        yield self.journal.failed()


async def start_parts(
    settings: Settings, connection: Connection, directory: Path, stack: AsyncExitStack, stop: asyncio.Event
) -> ProcessParts | None:
    """Started, with all read that was there; None where the process is told to stop before."""
    index, stores = Subscriptions(), dict[str, StoreSettings]()
    principals, orders = Principals(), ReplayJobs()
    admins, keys = follow_principals(connection, principals)
    conditions, sign_outs = dict[str, EndpointStatus](), SignOuts()
    ended = follow_sign_outs(connection, sign_outs)
    asked, told = follow_replays(connection, orders)
    listeners = Listeners()
    listening = follow_listeners(connection, listeners)
    views = (
        follow_subscriptions(connection, index),
        follow_stores(connection, stores),
        admins,
        keys,
        ended,
        asked,
        told,
        listening,
        follow_endpoint_statuses(connection, conditions),
        watch_state_version(connection),
    )
    for view in views:
        stack.push_async_callback(view.stop)
    appender = RecordAppender(connection)
    stack.push_async_callback(appender.close)
    count = (await asyncio.to_thread(partitions, connection, (COMMANDS,)))[COMMANDS.name]
    replicas = MemberStateReader(connection, directory, count)
    stack.push_async_callback(replicas.stop)
    journal = FollowedDeliveryLog(connection, directory, count)
    stack.push_async_callback(journal.stop)
    outcomes = CommandOutcomes(
        CommandAppender(appender), replicas, wait=settings.command_wait, most=settings.command_waiters
    )
    starts = [*(view.start() for view in views), replicas.start(outcomes.heard)]
    await wait_for_first(stop.wait(), replicas.failed(), _all(starts))
    if stop.is_set():
        return None
    flow = PipelineMonitor(connection)
    stack.push_async_callback(flow.stop)
    flow.start()
    return ProcessParts(
        index=index,
        stores=stores,
        views=views,
        appender=appender,
        replicas=replicas,
        outcomes=outcomes,
        past=MemberEventReader(connection, count, settings.history_records),
        journal=journal,
        published=MemberWebhookEventReader(connection, count, settings.history_records),
        subscriptions=TopicLog(connection, SUBSCRIPTIONS, views[0], index.get),
        settings=TopicLog(connection, SETTINGS, views[1], stores.get),
        principals=principals,
        keys=TopicLog(connection, API_KEYS, keys, principals.key, together=False),
        sign_outs=sign_outs,
        sign_out_log=SignOutLog(appender, ended),
        conditions=conditions,
        orders=orders,
        order_log=TopicLog(connection, REPLAYS, asked, orders.order, together=False),
        progress_log=ProgressLog(connection, appender, told),
        flow=flow,
        listeners=listeners,
        listener_log=TopicLog(connection, LISTENERS, listening, listeners.get),
        listener_feed=ListenerFeed(connection, count),
    )


async def _all(waits: Iterable[Coroutine[Any, Any, Any]]) -> None:
    await asyncio.gather(*waits)


async def wait_for_first(*waits: Coroutine[Any, Any, Any] | asyncio.Future[Any]) -> None:
    """Returns or raises as the first of them does; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for task in done:
        task.result()

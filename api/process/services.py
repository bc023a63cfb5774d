"""What the API's process works with: views, a replica of the members, the journal, an appender."""

import asyncio
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.auth.principals import Callers
from api.auth.sign_outs import SignOuts
from api.process.control_topics import (
    CommandAppender,
    ProgressLog,
    SignOutLog,
    callers_followed,
    conditions_followed,
    followed,
    replays_followed,
    sign_outs_followed,
    stores_followed,
)
from api.process.topic_log import TopicLog
from api.services.command_outcomes import Outcomes
from streams.access import ApiKey
from streams.delivery.records import EndpointStatus, Subscription
from streams.delivery.replay_jobs import ReplayJobs, ReplayOrder
from streams.delivery.subscription import Subscriptions
from streams.domain.store import StoreSettings
from streams.kafka.clients import Connection
from streams.kafka.compacted_view import CompactedView
from streams.kafka.producer import RecordAppender
from streams.kafka.topic_admin import partitions
from streams.projections.delivery_log import FollowedDeliveryLog
from streams.projections.member_events import MemberEventReader
from streams.projections.member_replica import MemberStateReader
from streams.projections.member_webhook_events import MemberWebhookEventReader
from streams.projections.pipeline_monitor import PipelineMonitor
from streams.runtime.state_versions import watch_state_version
from streams.settings import Settings
from streams.topics import (
    API_KEYS,
    COMMANDS,
    REPLAYS,
    SETTINGS,
    SUBSCRIPTIONS,
)


@dataclass(frozen=True, slots=True)
class Parts:
    index: Subscriptions
    stores: dict[str, StoreSettings]
    views: tuple[CompactedView[Any], ...]
    appender: RecordAppender
    replicas: MemberStateReader
    outcomes: Outcomes
    past: MemberEventReader
    journal: FollowedDeliveryLog
    published: MemberWebhookEventReader
    subscriptions: TopicLog[Subscription]
    settings: TopicLog[StoreSettings]
    callers: Callers
    keys: TopicLog[ApiKey]
    sign_outs: SignOuts
    sign_out_log: SignOutLog
    conditions: dict[str, EndpointStatus]
    orders: ReplayJobs
    order_log: TopicLog[ReplayOrder]
    progress_log: ProgressLog
    flow: PipelineMonitor

    def failures(self) -> Iterator[Coroutine[Any, Any, Any]]:
        """Whatever ends one of them for good."""
        yield from (view.failed() for view in self.views)
        yield self.appender.failed()
        yield self.replicas.failed()
        yield self.flow.failed()
        yield self.journal.failed()


async def parts_of(
    settings: Settings, connection: Connection, directory: Path, stack: AsyncExitStack, stop: asyncio.Event
) -> Parts | None:
    """Started, with all read that was there; None where the process is told to stop before."""
    index, stores = Subscriptions(), dict[str, StoreSettings]()
    callers, orders = Callers(), ReplayJobs()
    admins, keys = callers_followed(connection, callers)
    conditions, sign_outs = dict[str, EndpointStatus](), SignOuts()
    ended = sign_outs_followed(connection, sign_outs)
    asked, told = replays_followed(connection, orders)
    views = (
        followed(connection, index),
        stores_followed(connection, stores),
        admins,
        keys,
        ended,
        asked,
        told,
        conditions_followed(connection, conditions),
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
    outcomes = Outcomes(
        CommandAppender(appender), replicas, wait=settings.command_wait, most=settings.command_waiters
    )
    starts = [*(view.start() for view in views), replicas.start(outcomes.heard)]
    await until_first(stop.wait(), replicas.failed(), _all(starts))
    if stop.is_set():
        return None
    flow = PipelineMonitor(connection)
    stack.push_async_callback(flow.stop)
    flow.start()
    return Parts(
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
        callers=callers,
        keys=TopicLog(connection, API_KEYS, keys, callers.key, together=False),
        sign_outs=sign_outs,
        sign_out_log=SignOutLog(appender, ended),
        conditions=conditions,
        orders=orders,
        order_log=TopicLog(connection, REPLAYS, asked, orders.order, together=False),
        progress_log=ProgressLog(connection, appender, told),
        flow=flow,
    )


async def _all(waits: Iterable[Coroutine[Any, Any, Any]]) -> None:
    await asyncio.gather(*waits)


async def until_first(*waits: Coroutine[Any, Any, Any] | asyncio.Future[Any]) -> None:
    """Returns or raises as the first of them does; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for task in done:
        task.result()

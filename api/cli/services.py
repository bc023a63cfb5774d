"""The API's services for a command: over topics and tables of its own process, without HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from api.auth.audit import AuditedLog, AuditTrail
from api.auth.authentication import CHANGE_SOURCE, ChangeSource
from api.cli.admin import system_user
from api.contract.url_policy import PublicTargets
from api.problems import Busy, Changed, Conflict, Invalid, NotFound, TooSoon
from api.process.control_topics import (
    AuditAppender,
    CommandAppender,
    follow_endpoint_statuses,
    follow_stores,
    follow_subscriptions,
)
from api.process.topic_log import TopicLog
from api.rest.member_state import FoundMember, MemberReads
from api.services.command_outcomes import CommandOutcomes
from api.services.command_service import CommandService
from api.services.delivery_explanations import DeliveryExplanations
from api.services.signing_keys import SealedKeys
from api.services.subscriptions import SubscriptionService
from api.services.webhook_event_search import WebhookEventSearch
from connectors.http.app import make_attempt_sender, make_safe, make_sender
from streams.delivery.records import EndpointStatus
from streams.delivery.subscription import Subscriptions
from streams.domain.store import StoreSettings
from streams.errors import Misconfigured
from streams.kafka.clients import Connection
from streams.kafka.producer import RecordAppender
from streams.kafka.topic_admin import partitions
from streams.projections.delivery_log import FollowedDeliveryLog
from streams.projections.member_events import MemberEventReader
from streams.projections.member_replica import MemberStateReader
from streams.projections.member_webhook_events import MemberWebhookEventReader
from streams.projections.state_snapshot import describe_unknown_store
from streams.runtime.instance import hold_instance
from streams.runtime.state_versions import read_state_version, require_layout
from streams.settings import Settings
from streams.topics import ATTEMPTS, COMMANDS, DAY, SUBSCRIPTIONS

R = TypeVar("R")


@contextmanager
def problems_as_sentences() -> Iterator[None]:
    """What is wrong with a request ends the command with a sentence: raises Misconfigured."""
    try:
        yield
    except Invalid as error:
        raise Misconfigured("\n".join(f"{each.path}: {each.message}" for each in error.complaints)) from None
    except (NotFound, Conflict, TooSoon) as error:
        raise Misconfigured(str(error) or "There is none of that name in that store") from None
    except (Changed, Busy):
        raise Misconfigured("Somebody else has changed it at the same moment: try it again") from None


def run_with_subscriptions(
    settings: Settings, connection: Connection, work: Callable[[SubscriptionService], Awaitable[R]]
) -> R:
    """What `work` returns, with all subscriptions and stores that were written before. Each change is
    recorded as made by the system's user."""

    async def run() -> R:
        CHANGE_SOURCE.set(ChangeSource(f"loyalty subscriptions ({system_user()})", ""))
        index, stores = Subscriptions(), dict[str, StoreSettings]()
        views = follow_subscriptions(connection, index), follow_stores(connection, stores)
        appender, safe, sender = RecordAppender(connection), make_safe(settings), make_sender(settings)

        async def codes() -> Collection[str]:
            return tuple(stores)

        log = TopicLog(connection, SUBSCRIPTIONS, views[0], index.get)
        audit = AuditTrail(AuditAppender(appender).append, _now)
        service = SubscriptionService(
            index,
            AuditedLog(log, audit, "subscription"),
            PublicTargets(settings.allow_targets),
            _now,
            make_attempt_sender(settings, sender, safe),
            codes,
            SealedKeys(safe) if safe.ready else None,
            safe if safe.ready else None,
        )
        try:
            await asyncio.gather(*(view.start() for view in views))
            return await work(service)
        finally:
            await asyncio.gather(sender.aclose(), appender.close(), *(view.stop() for view in views))

    return asyncio.run(run())


@dataclass(frozen=True, slots=True)
class MemberLookup:
    """Finds the members of one store."""

    store: StoreSettings
    reads: MemberReads

    async def find(self, text: str) -> FoundMember:
        """By id, e-mail, card or phone, whichever `text` is. Raises Misconfigured if it names nobody."""
        code, commands = self.store.store, self.reads.command_service
        named = (
            [text] if "=" in text else [text, f"email={text}", f"loyaltyCardNumber={text}", f"phone={text}"]
        )
        for each in named:
            member_id = await commands.found(code, each)
            if member_id is not None:
                return await self.reads.member(code, member_id)
        raise Misconfigured(
            f"{text!r} is no member of store {code}: an id, e-mail address, card number or phone number"
        )


@asynccontextmanager
async def open_members(
    connection: Connection, settings: Settings, directory: Path, store: str
) -> AsyncIterator[MemberLookup]:
    """Members as of now, from the state's changelogs. What is read stays in `directory`, so that the
    next time only what is new is read."""
    async with AsyncExitStack() as stack:
        stores = dict[str, StoreSettings]()
        view = follow_stores(connection, stores)
        stack.push_async_callback(view.stop)
        await view.start()
        if store not in stores:
            raise Misconfigured(describe_unknown_store(store, tuple(stores)))
        count = partitions(connection, (COMMANDS,))[COMMANDS.name]
        appender = RecordAppender(connection)
        stack.push_async_callback(appender.close)
        replicas = MemberStateReader(connection, directory, count)
        stack.push_async_callback(replicas.stop)
        # Nothing is sent: it only looks members up.
        outcomes = CommandOutcomes(CommandAppender(appender), replicas, wait=1.0, most=1)
        await replicas.start(lambda *_: None)
        commands = CommandService(outcomes, replicas, stores.get, _now)
        past = MemberEventReader(connection, count, settings.history_records)
        yield MemberLookup(stores[store], MemberReads(commands, past))


@asynccontextmanager
async def open_explanations(
    connection: Connection, settings: Settings, directory: Path
) -> AsyncIterator[DeliveryExplanations]:
    """Explains what became of webhook events, from a delivery log that is kept in `directory`."""
    async with AsyncExitStack() as stack:
        index, endpoints = Subscriptions(), dict[str, EndpointStatus]()
        views = follow_subscriptions(connection, index), follow_endpoint_statuses(connection, endpoints)
        for view in views:
            stack.push_async_callback(view.stop)
            await view.start()
        count = partitions(connection, (COMMANDS,))[COMMANDS.name]
        journal = FollowedDeliveryLog(connection, directory, count)
        stack.push_async_callback(journal.stop)
        await journal.complete()
        events = WebhookEventSearch(
            journal, MemberWebhookEventReader(connection, count, settings.history_records)
        )
        log = TopicLog(connection, SUBSCRIPTIONS, views[0], index.get)
        kept = ATTEMPTS.retention or 30 * DAY
        yield DeliveryExplanations(journal, events, index, log, endpoints.get, _now, kept)


@contextmanager
def reading_folder(settings: Settings, connection: Connection) -> Iterator[Path]:
    """A folder that is this process's own while the block runs, with what the one before has read."""
    # Which copies are read is nobody's news here.
    logging.getLogger("streams").setLevel(logging.WARNING)
    require_layout(read_state_version(connection))
    with hold_instance(settings, "look", connection.generation) as own:
        yield own.directory


def _now() -> datetime:
    return datetime.now(UTC)

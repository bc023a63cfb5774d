"""What the doctor looks at in the control topics."""

import asyncio

from api.auth.principals import Principals
from api.cli.doctor.findings import Finding
from api.process.control_topics import (
    follow_principals,
    follow_replays,
    follow_stores,
    follow_subscriptions,
)
from connectors.http.app import make_safe
from connectors.http.attempt_sender import check_keys
from streams.delivery.replay_jobs import ReplayJobs
from streams.delivery.subscription import Subscriptions
from streams.domain.store import StoreSettings
from streams.errors import Misconfigured
from streams.kafka.clients import Connection
from streams.runtime.state_versions import watch_state_version
from streams.settings import Settings

REPAIR = "change it by REST, or a store's settings by `loyalty store put FILE`"


async def check_records(connection: Connection, settings: Settings) -> list[Finding]:
    """Control records that cannot be used, one finding each; and whether secrets can be opened. Raises
    Retryable."""
    stores: dict[str, StoreSettings] = {}
    subscriptions = Subscriptions()
    views = (
        follow_stores(connection, stores),
        follow_subscriptions(connection, subscriptions),
        *follow_principals(connection, Principals()),
        *follow_replays(connection, ReplayJobs()),
        watch_state_version(connection),
    )
    try:
        await asyncio.gather(*(view.start() for view in views))
        unusable = [one for view in views for one in view.aside]
    finally:
        await asyncio.gather(*(view.stop() for view in views))
    findings = [Finding("control records", "wrong", f"set aside: {one}", REPAIR) for one in unusable]
    if not findings:
        text = "all settings, subscriptions, admins, keys and replays can be worked with"
        findings.append(Finding("control records", "ok", text))
    return [*findings, check_stores(stores), check_secrets(subscriptions, settings)]


def check_stores(stores: dict[str, StoreSettings]) -> Finding:
    """Whether any store has settings: without, every command is refused."""
    if stores:
        return Finding("stores", "ok", ", ".join(sorted(stores)))
    return Finding("stores", "advice", "no store has settings yet", "`loyalty store put store.json`")


def check_secrets(subscriptions: Subscriptions, settings: Settings) -> Finding:
    """Whether the secret key opens every subscription's secrets; else the sink does not start."""
    try:
        check_keys(iter(subscriptions), make_safe(settings))
    except Misconfigured as error:
        return Finding("secrets", "wrong", str(error))
    return Finding("secrets", "ok", "those of all subscriptions can be opened")

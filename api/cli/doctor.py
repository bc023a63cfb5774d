"""`loyalty doctor`: looks for control records that cannot be used."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streams.kafka.clients import Connection
    from streams.kafka.unfit_records import UnfitRecord

UNUSABLE_FOUND = 1


def run() -> None:
    """Look for control records that cannot be used: settings, subscriptions, admins, API keys, replays.

    Each is listed with its topic, key, offset and what is wrong. Exit code 1 if there is any.
    """
    from api.cli.processes import process

    with process("doctor") as (_, connection):
        found = asyncio.run(find_unusable_records(connection))
    for one in found:
        print(f"set aside: {one}")
    if found:
        print("To repair one, change it by REST, or a store's settings by `loyalty store put FILE`.")
        raise SystemExit(UNUSABLE_FOUND)
    print("All control records can be worked with.")


async def find_unusable_records(connection: "Connection") -> "list[UnfitRecord]":
    """The unusable records of all control topics. Raises Retryable."""
    from api.auth.principals import Principals
    from api.process.control_topics import (
        follow_principals,
        follow_replays,
        follow_stores,
        follow_subscriptions,
    )
    from streams.delivery.replay_jobs import ReplayJobs
    from streams.delivery.subscription import Subscriptions
    from streams.runtime.state_versions import watch_state_version

    views = (
        follow_stores(connection, {}),
        follow_subscriptions(connection, Subscriptions()),
        *follow_principals(connection, Principals()),
        *follow_replays(connection, ReplayJobs()),
        watch_state_version(connection),
    )
    try:
        await asyncio.gather(*(view.start() for view in views))
        return [one for view in views for one in view.aside]
    finally:
        await asyncio.gather(*(view.stop() for view in views))

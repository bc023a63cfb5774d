"""The program that is measured: a replay as fast as it goes."""

import time

from streams.delivery.replay_selection import ReplaySelection
from streams.jobs.rate_limit import Unlimited
from streams.jobs.replay import Replay
from streams.kafka.clients import Connection
from streams.webhooks.events import AvailablePointsAmountChanged, CustomerRegistered
from tests.bench.figures import Run
from tests.samples import subscription

FREQUENT, RARE = AvailablePointsAmountChanged, CustomerRegistered


def replayed(connection: Connection, hop: int, total: int) -> Run:
    """Of all but one in a hundred, or of that one."""
    wanted = subscription((RARE if hop else FREQUENT).__name__)
    begun, used = time.perf_counter(), time.process_time()
    with Replay(connection, ReplaySelection(wanted, f"bench-{hop}"), period=(None, None)) as run:
        assert run.run(Unlimited(), lambda _: None, lambda: False)
    return Run(total, time.perf_counter() - begun, time.process_time() - used)

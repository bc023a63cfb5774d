"""Whose broker to use: the operator's cluster, the one left running, or a child of this process."""

from collections.abc import Iterator
from contextlib import contextmanager

from streams.local_broker import detached
from streams.local_broker.jars import PrintLine
from streams.local_broker.local import LocalBroker
from streams.settings import Settings


@contextmanager
def ensure_broker(settings: Settings, say: PrintLine | None = None) -> Iterator[str]:
    """Bootstrap servers that are good for the length of the block; only a broker started here is stopped.

    With `settings.bootstrap_servers` nothing is started or asked. Raises Misconfigured, Retryable.
    """
    if settings.bootstrap_servers:
        yield settings.bootstrap_servers
        return
    left_running = detached.running(settings.home)
    if left_running:
        yield left_running.bootstrap
        return
    with LocalBroker(settings.home, say=say) as broker:
        yield broker.bootstrap_servers

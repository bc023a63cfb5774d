"""`loyalty sink`: sends deliveries to the subscribers' endpoints."""

from api.cli.lines import say
from api.cli.supervise import Processes, Supervised, supervise

UNLIMITED = 10_240


def run(supervised: Supervised = False, processes: Processes = 1) -> None:
    """Send deliveries over HTTP until SIGTERM or Ctrl-C."""
    if supervised or processes != 1:
        supervise("sink", processes)
    import asyncio

    from api.cli.processes import noted_as, process
    from connectors.http.app import open_sink
    from streams.runtime.worker import run as run_app

    async def serve() -> None:
        with open_sink(settings, connection) as app:
            await run_app(app, lambda: say("sink is ready", flush=True), connection)

    with (
        process("sink", serves=True) as (settings, connection),
        noted_as("sink", settings, connection),
    ):
        _open_as_many_files_as_may_be()
        asyncio.run(serve())


def _open_as_many_files_as_may_be() -> None:
    """Raises the limit of open files. Each request needs one, and the default suffices for a few endpoints
    only."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS reports no limit, and refuses to set it.
    allowed = UNLIMITED if most == resource.RLIM_INFINITY else most
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))

"""`loyalty worker`: runs the stages that make facts, webhook events and deliveries of commands."""

from api.cli.lines import say
from api.cli.supervise import Processes, Supervised, supervise


def run(supervised: Supervised = False, processes: Processes = 1) -> None:
    """Run the loyalty, identity and fan-out stages until SIGTERM or Ctrl-C."""
    if supervised or processes != 1:
        supervise("worker", processes)
    import asyncio

    from api.cli.processes import noted_as, process
    from streams.runtime.worker import open_worker
    from streams.runtime.worker import run as run_app

    async def serve() -> None:
        # Made inside the loop: Faust's services belong to the event loop in which they are made.
        with open_worker(settings, connection) as app:
            await run_app(app, lambda: say("worker is ready", flush=True), connection)

    with (
        process("worker", serves=True) as (settings, connection),
        noted_as("worker", settings, connection),
    ):
        asyncio.run(serve())

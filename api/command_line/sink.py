"""`loyalty sink`: deliveries out to the subscribers' endpoints."""

from api.command_line.supervise import Supervised, supervise


def run(supervised: Supervised = False) -> None:
    """Send deliveries over HTTP until SIGTERM or Ctrl-C."""
    if supervised:
        supervise("sink")
    import asyncio

    from api.command_line.processes import process
    from connectors.http.app import sink
    from streams.kafka.worker import run as run_app

    async def serve() -> None:
        with sink(settings, connection) as app:
            await run_app(app, ready=lambda: print("sink is ready", flush=True))

    with process("sink") as (settings, connection):
        asyncio.run(serve())

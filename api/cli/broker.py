"""`loyalty broker`: starts and stops a local Kafka broker that runs on its own."""

from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(no_args_is_help=True, help="The local Kafka broker: start, stop, status.")

Port = Annotated[
    int | None,
    typer.Option(min=1, max=65_535, help="Port to listen on.", show_default="9092 or the next free"),
]

NOT_RUNNING = 3
"""Exit code of `status` if no broker runs, as LSB init scripts define it."""


@app.command()
def start(port: Port = None) -> None:
    """Start the broker and leave it running. Its data is kept between starts."""
    from streams import settings
    from streams.local_broker import detached

    console = Console(soft_wrap=True)
    home = settings.load_settings().home
    already = detached.running(home)
    if already:
        console.print(f"Already running: {already.bootstrap} (pid {already.pid})")
        return
    with console.status("looking for Java", spinner="dots") as line:
        broker = detached.start_detached(home, port, say=line.update)
    console.print(
        f"Kafka is ready: {broker.bootstrap} (pid {broker.pid}), data in {home / 'broker' / 'data'}"
    )


@app.command()
def stop() -> None:
    """Stop the broker. Its data stays."""
    from streams import settings
    from streams.local_broker import detached

    console = Console(soft_wrap=True)
    with console.status("stopping the broker", spinner="dots"):
        stopped = detached.stop_detached(settings.load_settings().home)
    console.print(
        f"Stopped: {stopped.bootstrap} (pid {stopped.pid})" if stopped else "No broker was running."
    )


@app.command()
def status() -> None:
    """Show where the broker listens. Exit code 3 if none runs."""
    from streams import settings
    from streams.local_broker import detached

    console = Console(soft_wrap=True)
    home = settings.load_settings().home
    running = detached.running(home)
    if running is None and (silent := detached.is_silent(home)):
        console.print(f"Runs and does not answer: {silent.bootstrap} (pid {silent.pid})")
        raise typer.Exit(NOT_RUNNING)
    if running is None:
        console.print(f"No broker is running in {home}.")
        raise typer.Exit(NOT_RUNNING)
    console.print(f"Running: {running.bootstrap} (pid {running.pid}), data in {home / 'broker' / 'data'}")

"""`loyalty receiver`: runs a webhook receiver on this machine."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from connectors.http.receiver import Receiver
    from connectors.http.signing_keys import HmacKey


def receive(
    *,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port on 127.0.0.1; 0: any free one.")] = 0,
    printed: Annotated[
        Literal["all", "sample", "none"],
        typer.Option("--print", help="Webhooks shown; sample: each event's first and every 1000th."),
    ] = "sample",
    log: Annotated[Path | None, typer.Option(help="File that gets a JSON line for every webhook.")] = None,
    status: Annotated[int, typer.Option(min=200, max=599, help="Status of every answer.")] = 200,
    delay: Annotated[float, typer.Option(min=0, max=3600, help="Seconds before every answer.")] = 0.0,
    fail_first: Annotated[int, typer.Option(min=0, help="How many requests get a 500 at first.")] = 0,
    secret: Annotated[
        str | None,
        typer.Option(help="whsec_… of the subscription: signatures are verified, and others answered 401."),
    ] = None,
) -> None:
    """Take webhooks on any path until stopped. GET /stats shows counts and the last bodies."""
    import asyncio
    from contextlib import ExitStack

    from connectors.http.receiver import Behaviour, Receiver
    from streams.errors import Misconfigured

    behaviour = Behaviour(status=status, delay=delay, fail_first=fail_first, key=_read_secret(secret))
    with ExitStack() as opened:
        try:
            file = opened.enter_context(log.open("ab", buffering=0)) if log else None
        except OSError as error:
            raise Misconfigured(f"--log {log}: cannot be written: {error.strerror}") from None
        asyncio.run(_serve(Receiver(behaviour, printed, _say, file), port))


def _read_secret(secret: str | None) -> "HmacKey | None":
    """Raises Misconfigured, which does not show it."""
    from connectors.http.signing_keys import HmacKey, read_key
    from streams.errors import Misconfigured

    if secret is None:
        return None
    try:
        key = read_key(secret)
    except ValueError as error:
        raise Misconfigured(f"--secret is not valid: {error}") from None
    if not isinstance(key, HmacKey):
        raise Misconfigured(
            "--secret is not valid: it must be the whsec_ secret that is shared with receivers"
        )
    return key


async def _serve(receiver: "Receiver", port: int) -> None:
    import asyncio
    import signal

    from connectors.http.receiver import serve_receiver
    from streams.errors import Misconfigured

    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        async with serve_receiver(receiver, port) as url:
            _say(f"listening on {url}")
            await stopped.wait()
    except OSError as error:
        raise Misconfigured(f"--port {port}: cannot listen on 127.0.0.1: {error.strerror}") from None
    stats = receiver.stats
    _say(f"requests {stats.requests}, messages {stats.distinct}, duplicates {stats.duplicates}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

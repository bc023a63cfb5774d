"""`loyalty listen`: webhooks on this machine, which need not be reachable from anywhere."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli.lines import say

if TYPE_CHECKING:
    from api.cli.listening import ForwardedRequest, ListenSession

MAX_TIMEOUT = 120


def run(
    *,
    forward_to: Annotated[
        str | None,
        typer.Option(
            help="URL of your server: http://localhost:3000/hooks. Without it, webhooks are shown only."
        ),
    ] = None,
    event: Annotated[
        list[str] | None, typer.Option(help="Only this event, in either spelling; may be repeated.")
    ] = None,
    store: Annotated[str, typer.Option(help="Code of the store.")] = "DEFAULT",
    print_json: Annotated[
        bool, typer.Option("--print-json", help="One JSON object a line: request and answer.")
    ] = False,
    signing: Annotated[
        Literal["standard", "original", "none"], typer.Option(help="As a subscription's.")
    ] = "standard",
    secret: Annotated[
        str | None, typer.Option(help="whsec_… to sign with, so that it stays the same; else a new one.")
    ] = None,
    legacy: Annotated[bool, typer.Option("--legacy", help="The old edition's bodies.")] = False,
    cloud_events: Annotated[
        Literal["structured", "binary"] | None, typer.Option(help="Bodies as CloudEvents 1.0.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, max=MAX_TIMEOUT, help="Seconds for your server's answer.")
    ] = 10.0,
) -> None:
    """Forward webhooks to a server on this machine until Ctrl-C.

    They come over a connection that this command opens, with the headers, body and signature that an endpoint
    would get. It is no subscription: nothing waits for it, nothing is retried, and nothing is left of it.
    """
    import asyncio

    from api.cli.listening import ListenOptions, ListenSession

    options = ListenOptions(
        store=require_store(store),
        forward_to=None if forward_to is None else _complete_url(forward_to),
        events=tuple(event or ()),
        signing=signing,
        secret=secret,
        legacy=legacy,
        cloud_events=cloud_events,
    )
    show = _print_json if print_json else _print_line

    async def listen() -> None:
        from api.cli.api_client import open_client
        from streams.settings import load_settings

        client, sender = open_client(load_settings()), _open_sender(timeout)
        try:
            await _until_stopped(ListenSession(client, options, sender, show, _note))
        finally:
            await sender.aclose()
            await client.aclose()

    asyncio.run(listen())


async def _until_stopped(session: "ListenSession") -> None:
    """Runs it until SIGINT, SIGTERM or SIGHUP, each of which ends the listener in order."""
    import asyncio
    import signal
    from contextlib import suppress

    running = asyncio.ensure_future(session.run())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    with suppress(asyncio.CancelledError):
        await running


def _open_sender(timeout: float):  # type: ignore[no-untyped-def]
    from ipaddress import ip_network

    from connectors.http.sender import HttpSender

    # The address is the person's own, on the person's own machine.
    return HttpSender(timeout=timeout, allowed=(ip_network("0.0.0.0/0"), ip_network("::/0")))


def require_store(code: str) -> str:
    """The code, which becomes a part of a path. Raises Misconfigured."""
    import re

    from api.contract.fields import CODE_PATTERN
    from streams.errors import Misconfigured

    if not re.fullmatch(CODE_PATTERN, code):
        raise Misconfigured(
            f"--store {code!r} is no code of a store: letters, digits, _ . - only, at most 64"
        )
    return code


def _complete_url(text: str) -> str:
    """The URL, with http:// before it if it has no scheme. Raises Misconfigured."""
    from connectors.http.urls import explain_unsendable
    from streams.errors import Misconfigured

    url = text if "://" in text else f"http://{text}"
    problem = explain_unsendable(url)
    if problem or not url.lower().startswith(("http://", "https://")):
        reason = problem or "must begin with http:// or https://"
        raise Misconfigured(f"--forward-to {text!r}: {reason}; such as http://localhost:3000/hooks")
    return url


def _print_line(forwarded: "ForwardedRequest") -> None:
    request, answer = forwarded.request, forwarded.answer
    mark = " test" if request.is_test else ""
    head = f"{forwarded.at:%H:%M:%S.%f}"[:-3] + f" {request.event_name}{mark} {request.message_id}"
    if request.error is not None:
        say(f"{head} not made: {request.error}", flush=True)
    elif answer is None:
        say(head, flush=True)
    else:
        came = str(answer.status) if answer.error is None else f"no answer: {answer.error} ({answer.phase})"
        say(f"{head} {came} {answer.duration_ms} ms", flush=True)


def _print_json(forwarded: "ForwardedRequest") -> None:
    import msgspec

    request, answer = forwarded.request, forwarded.answer
    tree = {
        "at": forwarded.at.isoformat(timespec="milliseconds"),
        "eventName": request.event_name,
        "messageId": request.message_id,
        "isTest": request.is_test,
        "headers": request.headers,
        "body": request.body,
        "status": answer.status if answer else None,
        "durationMs": answer.duration_ms if answer else None,
        "error": request.error or (answer.error if answer else None),
    }
    say(msgspec.json.encode(tree).decode(), flush=True)


def _note(line: str) -> None:
    """On standard error, so that standard output has webhooks only."""
    import sys

    from streams.domain.text import escape_text

    print(escape_text(line), file=sys.stderr, flush=True)

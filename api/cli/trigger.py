"""`loyalty trigger`: an example of an event, for one listener or one subscription."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.lines import say

if TYPE_CHECKING:
    from api.cli.api_client import ApiClient

FAILED = 1


def run(
    event: Annotated[str, typer.Argument(help="The event's name, in either spelling.")],
    *,
    member: Annotated[
        str | None,
        typer.Option(help="Whom it is about: a UUID, email=…, phone=… or loyaltyCardNumber=…. Else nobody."),
    ] = None,
    subscription: Annotated[str | None, typer.Option(help="Id of the subscription that gets it.")] = None,
    listener: Annotated[
        str | None, typer.Option(help="Id of the listener that gets it.", show_default="the only one")
    ] = None,
    store: Annotated[str, typer.Option(help="Code of the store.")] = "DEFAULT",
    json: Annotated[bool, typer.Option("--json", help="Print the API's answer.")] = False,
) -> None:
    """Send an example event to one listener or one subscription.

    The header `Webhook-Test: true` marks it. It changes nothing, and no count or report has it. With a
    subscription, the endpoint's answer is shown, and the exit code is 1 unless it took the webhook.
    """
    import asyncio

    import msgspec

    from api.cli.api_client import open_client
    from api.cli.listen import require_store
    from streams.errors import Misconfigured
    from streams.settings import load_settings

    if subscription and listener:
        raise Misconfigured("--subscription and --listener: give one of the two")
    require_store(store)

    async def trigger() -> dict[str, Any]:
        client = open_client(load_settings())
        try:
            return await send_example(
                client, store, event, member=member, subscription=subscription, listener=listener
            )
        finally:
            await client.aclose()

    told = asyncio.run(trigger())
    say(msgspec.json.encode(told).decode() if json else _sentence(told))
    if told.get("delivered") is False:
        raise typer.Exit(FAILED)


async def send_example(
    client: "ApiClient",
    store: str,
    event: str,
    *,
    member: str | None = None,
    subscription: str | None = None,
    listener: str | None = None,
) -> dict[str, Any]:
    """What the API said. Without a recipient the store's only listener gets it. Raises Misconfigured if there
    are none or several."""
    from api.cli.api_client import NoSuchThing
    from streams.errors import Misconfigured

    kind, id_ = "subscription", subscription
    if subscription is None:
        kind, id_ = "listener", listener or await _only_listener(client, store)
    example = {"eventName": event} | ({"customer": member} if member else {})
    path = f"/api/{store}/webhook/{kind}/{require_id(f'--{kind}', id_ or '')}/test"
    try:
        told = (await client.call("POST", path, {"example": example}, wait=60)).body
    except NoSuchThing:
        raise Misconfigured(f"--{kind} {id_!r}: store {store} has no {kind} of that id") from None
    return told if isinstance(told, dict) else {}


def require_id(option: str, text: str) -> str:
    """The id, which becomes a part of a path. Raises Misconfigured."""
    import re

    from api.contract.fields import UUID_PATTERN
    from streams.errors import Misconfigured

    if not re.fullmatch(UUID_PATTERN, text):
        raise Misconfigured(f"{option} {text!r} is no id: it must be a UUID in lower case")
    return text


async def _only_listener(client: "ApiClient", store: str) -> str:
    from streams.errors import Misconfigured

    rows = (await client.call("GET", f"/api/{store}/webhook/listener")).body["items"]
    if len(rows) == 1:
        return str(rows[0]["listenerId"])
    if not rows:
        raise Misconfigured(
            f"Nobody listens to store {store}: run `loyalty listen --forward-to URL --store {store}`, or "
            "name a --subscription"
        )
    which = "; ".join(f"{row['listenerId']} ({row['forwardUrl']})" for row in rows)
    raise Misconfigured(f"{len(rows)} listeners listen to store {store}: choose by --listener: {which}")


def _sentence(told: dict[str, Any]) -> str:
    what = f"{told.get('eventName')} {told.get('messageId')}"
    if "delivered" not in told:
        return f"{what} is on its way to the listener, marked as a test."
    came = told["status"] if told["error"] is None else told["error"]
    return f"{what} sent, marked as a test: {came} in {told['durationMs']} ms"

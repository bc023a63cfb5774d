"""`loyalty subscriptions`: who gets which webhook, by the service that the REST API uses."""

from collections.abc import Awaitable, Callable
from json import dumps, loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from api.cli.lines import say

if TYPE_CHECKING:
    from api.services.subscriptions import SubscriptionService
    from streams.delivery.records import Subscription

R = TypeVar("R")

app = typer.Typer(
    no_args_is_help=True, help="Subscriptions: list, show, add, test, pause, resume, delete; see also `why`."
)
FAILED = 1
"""Exit code of `test` if the endpoint did not answer 2xx."""
Id = Annotated[str, typer.Argument(help="The subscription's id, as `list` shows it.")]
Store = Annotated[str, typer.Option(help="Code of the store.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
Headers = Annotated[
    list[str] | None,
    typer.Option("--header", help="'Name: value', sent with each request; again for more."),
]
Body = Annotated[
    Path | None,
    typer.Option("--file", help="JSON with more fields, as the REST API takes them; - is standard input."),
]
State = Literal["active", "paused"]


@app.command("list")
def list_subscriptions(
    store: Annotated[str | None, typer.Option(help="Only of this store.", show_default="all")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List subscriptions: id, store, state, events, address. Values of headers are not shown."""
    from streams.delivery.subscription import event_names

    async def work(webhooks: "SubscriptionService") -> "list[Subscription]":
        return sorted(webhooks.index, key=lambda s: (s.store, s.created_at, s.subscription_id))

    found = [each for each in _run(work) if store in (None, each.store)]
    for each in found:
        line = (
            f"{each.subscription_id}  {each.store}  {each.state:8}  {','.join(event_names(each))}  {each.url}"
        )
        say(dumps(_tree(each), ensure_ascii=False) if json else line)
    if not found and not json:
        say("There is no subscription: `loyalty subscriptions add --help` shows how to make one.")


@app.command()
def show(subscription: Id, json: Json = False) -> None:
    """Show one subscription with all its options. Values of headers and secrets are not shown."""

    async def work(webhooks: "SubscriptionService") -> "Subscription":
        return _find(webhooks, subscription)

    tree = _tree(_run(work))
    if json:
        print(dumps(tree, indent=2, ensure_ascii=False))
        return
    for name, value in tree.items():
        if value not in (None, "", [], {}):
            say(f"{name:22} {value if isinstance(value, str) else dumps(value, ensure_ascii=False)}")


@app.command()
def add(
    *,
    url: Annotated[str | None, typer.Option(help="Where to: http or https.")] = None,
    event: Annotated[
        list[str] | None, typer.Option("--event", help="As CustomerUpdated, or '*' for all; again for more.")
    ] = None,
    store: Store = "DEFAULT",
    header: Headers = None,
    signing: Annotated[
        Literal["none", "standard", "original"], typer.Option(help="How requests are signed.")
    ] = "none",
    legacy: Annotated[bool, typer.Option("--legacy", help="Bodies of the old edition.")] = False,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    file: Body = None,
    json: Json = False,
) -> None:
    """Subscribe an endpoint to events, at once. Where requests are signed, the secret is shown this once."""
    from api.contract.subscription_bodies import SubscriptionCreation
    from api.services.signing_keys import verifier_body

    fields = _read_fields(file) | _headers(header)
    first, *further = event or [""]
    options = {"url": url, "eventName": first, "furtherEvents": further, "description": description}
    fields |= {name: value for name, value in options.items() if value}
    fields |= {"legacy": True} if legacy else {}
    fields |= {"signing": signing} if signing != "none" else {}
    body = _checked(SubscriptionCreation, fields)

    async def work(webhooks: "SubscriptionService") -> "tuple[Subscription, str | None]":
        return await webhooks.create(store, body)

    made, secret = _run(work)
    told = {"webhookSubscriptionId": made.subscription_id, **verifier_body(secret)}
    if json:
        print(dumps(told))
        return
    say(f"subscription {made.subscription_id} made")
    for name, value in verifier_body(secret).items():
        say(f"{name} {value}")


@app.command("test")
def send_test(subscription: Id, json: Json = False) -> None:
    """Send an example to the endpoint now, whatever its state. Exit code 1 without a 2xx answer."""
    from api.services.sample_delivery import SampleResult, send_sample

    async def work(webhooks: "SubscriptionService") -> SampleResult:
        return await send_sample(_find(webhooks, subscription), webhooks.attempt_sender, webhooks.now())

    sample = _run(work)
    if json:
        print(dumps(sample.tree(), ensure_ascii=False))
    else:
        answer = sample.error or f"answered {sample.answer.status}"
        say(f"{sample.delivery.event_name}: {answer} after {sample.answer.duration_ms} ms")
        if sample.answer.response:
            say(sample.answer.response)
    if not sample.delivered:
        raise SystemExit(FAILED)


@app.command()
def pause(subscription: Id) -> None:
    """Hold what a subscription wants, until `resume`."""
    _set_state(subscription, "paused")


@app.command()
def resume(subscription: Id) -> None:
    """Deliver again, what was held first: for one that is paused, or that the sender has disabled."""
    _set_state(subscription, "active")


@app.command()
def delete(subscription: Id) -> None:
    """End a subscription. What waits for it is not delivered any more."""

    async def work(webhooks: "SubscriptionService") -> None:
        await webhooks.delete(_find(webhooks, subscription).store, subscription, None)

    _run(work)
    say(f"subscription {subscription} deleted")


def _set_state(subscription_id: str, state: State) -> None:
    from api.contract.subscription_options import with_state

    async def work(webhooks: "SubscriptionService") -> None:
        def change(current: "Subscription") -> "tuple[Subscription, None]":
            return with_state(current, state, webhooks.now()), None

        await webhooks.change(_find(webhooks, subscription_id).store, subscription_id, None, change)

    _run(work)
    say(f"subscription {subscription_id} is {state}")


def _find(webhooks: "SubscriptionService", subscription_id: str) -> "Subscription":
    from streams.errors import Misconfigured

    found = webhooks.index.get(subscription_id)
    if found is None:
        raise Misconfigured(
            f"There is no subscription {subscription_id!r}: `loyalty subscriptions list` shows all"
        )
    return found


def _tree(subscription: "Subscription") -> dict[str, Any]:
    """As the REST API shows it to those who may only read."""
    from api.contract.subscription_bodies import subscription_detail

    return {"store": subscription.store, **subscription_detail(subscription, None, whole=False)}


def _read_fields(file: Path | None) -> dict[str, Any]:
    import sys

    from streams.errors import Misconfigured

    if file is None:
        return {}
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        tree = loads(text)
    except OSError as error:
        raise Misconfigured(f"--file {file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise Misconfigured(f"--file {file} is no JSON: {error}") from None
    tree = tree.get("webhookSubscription", tree) if isinstance(tree, dict) else None
    if not isinstance(tree, dict):
        raise Misconfigured(f"--file {file} must be one JSON object with the fields of a subscription")
    return tree


def _headers(texts: list[str] | None) -> dict[str, Any]:
    from streams.errors import Misconfigured

    pairs = [text.partition(":") for text in texts or ()]
    for name, colon, _ in pairs:
        if not colon:
            # It may be a value: it is not shown.
            raise Misconfigured(f"--header {name[:3]}… is not valid: 'Name: value'")
    rows = [{"headerName": name.strip(), "headerValue": value.strip()} for name, _, value in pairs]
    return {"headers": rows} if rows else {}


def _checked(kind: type[R], fields: dict[str, Any]) -> R:
    """Raises Misconfigured naming each field; no value of a header is shown."""
    from pydantic import ValidationError

    from streams.errors import Misconfigured
    from streams.spelling import suggest

    try:
        return kind.model_validate(fields)  # type: ignore[attr-defined, no-any-return]
    except ValidationError as error:
        known = [field.alias for field in kind.model_fields.values()]  # type: ignore[attr-defined]
        lines = []
        for each in error.errors():
            path = ".".join(str(part) for part in each["loc"])
            unknown = each["type"] == "extra_forbidden"
            text = f"is no field: {suggest(path, known)}" if unknown else each["msg"]
            lines.append(f"{_OPTIONS.get(path, path)}: {text}")
        raise Misconfigured("\n".join(lines)) from None


_OPTIONS = {"url": "--url", "eventName": "--event"}


def _run(work: "Callable[[SubscriptionService], Awaitable[R]]") -> R:
    """What `work` returns, over all that was written before. Problems become sentences."""
    from api.cli.processes import process
    from api.cli.services import problems_as_sentences, run_with_subscriptions

    with process("subscriptions") as (settings, connection), problems_as_sentences():
        return run_with_subscriptions(settings, connection, work)

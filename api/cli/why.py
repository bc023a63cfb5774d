"""`loyalty why`: why a webhook came, or did not."""

import asyncio
import re
from json import dumps
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.lines import say

if TYPE_CHECKING:
    from pathlib import Path

    from api.services.delivery_explanations import DeliveryQuestion
    from streams.delivery.explain import EventExplanation
    from streams.kafka.clients import Connection
    from streams.settings import Settings


def run(
    event: Annotated[str | None, typer.Argument(help="The webhook event's id.", show_default="")] = None,
    *,
    store: Annotated[str, typer.Option(help="Code of the store.")] = "DEFAULT",
    member: Annotated[
        str | None, typer.Option(help="Of this member: id, e-mail address, card or phone number.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="About then: 2026-03-31T12:00:00Z.")] = None,
    minutes: Annotated[int, typer.Option(min=1, max=1440, help="How many minutes before and after.")] = 60,
    subscription: Annotated[str | None, typer.Option(help="Only this one, by its id.")] = None,
    json: Annotated[bool, typer.Option("--json", help="As GET …/webhook/why answers.")] = False,
) -> None:
    """Tell why a webhook arrived or did not: one sentence for each event and subscription.

    Ask by the event's id, or by --member and --at.
    """
    from datetime import timedelta

    from api.cli.processes import process
    from api.cli.services import problems_as_sentences, reading_folder
    from api.contract.delivery_bodies import explanation_body
    from api.contract.listing import read_instant_at
    from api.services.delivery_explanations import DeliveryQuestion
    from streams.errors import Misconfigured

    if event is None and (member is None or at is None):
        raise Misconfigured("Name the event by its id, or give both --member and --at")
    with process("why") as (settings, connection), problems_as_sentences():
        moment = None if at is None else read_instant_at("--at", at)
        asked = DeliveryQuestion(event, member, moment, timedelta(minutes=minutes), subscription)
        with reading_folder(settings, connection) as folder:
            found = asyncio.run(_ask(connection, settings, folder, store, asked))
    if json:
        print(dumps({"items": [explanation_body(each) for each in found]}, indent=2, ensure_ascii=False))
        return
    for each in found:
        say(f"{each.event_name or 'event'} {each.webhook_event_id}")
        say(*(f"  {verdict.subscription_id} {verdict.kind}: {verdict.sentence}" for verdict in each.verdicts))
        if not each.verdicts:
            say("  nobody has subscribed to anything")
    if not found:
        say("No webhook event of that member was published about then.")


async def _ask(
    connection: "Connection", settings: "Settings", folder: "Path", store: str, asked: "DeliveryQuestion"
) -> "tuple[EventExplanation, ...]":
    from dataclasses import replace

    from api.cli.services import open_explanations, open_members
    from api.contract.fields import UUID_PATTERN

    if asked.member is not None and not re.fullmatch(UUID_PATTERN, asked.member):
        async with open_members(connection, settings, folder, store) as members:
            asked = replace(asked, member=(await members.find(asked.member)).member_id)
    async with open_explanations(connection, settings, folder) as explanations:
        return await explanations.why(store, asked)

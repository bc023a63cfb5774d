"""The webhooks in groups, and what a page says of one: all of it from its declaration."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup
from msgspec import json as msgspec_json

from api.portal.highlighting import colour_json
from api.services.webhook_examples import ExampleRequest, example_requests
from streams.webhooks import CATALOGUE, Webhook
from streams.webhooks.contract import SchemaField, json_schema, schema_fields
from streams.webhooks.schema import BodyFormat, body_formats, data_schema

GROUPS: Mapping[str, tuple[str, str]] = {
    "streams.webhooks.customers": ("Members", "Who joins, changes and leaves."),
    "streams.webhooks.codes": ("Codes for members", "You send these codes to the member."),
    "streams.webhooks.points": ("Units", "Points or whatever the programme calls them."),
    "streams.webhooks.tiers": ("Levels", "Moves between the programme's levels (tiers)."),
    "streams.webhooks.transactions": ("Transactions", "Purchases and returns."),
    "streams.webhooks.rewards": ("Rewards and coupons", "What members get for their units."),
    "streams.webhooks.campaigns": ("Campaigns", "What campaigns give."),
}
"""Title and summary of the webhooks that one module declares."""
FURTHER_GROUP = ("Further webhooks", "Webhooks of this deployment.")
FORM_TITLES: Mapping[str, tuple[str, str]] = {
    "new": ("New format", "What a subscription gets unless it asks for another format."),
    "legacy": (
        "Legacy format",
        "For subscriptions with legacy: true, as the platform's earlier version sent it.",
    ),
    "second": ("Second legacy webhook", "A legacy subscription gets this request besides."),
    "structured": ("CloudEvents, structured", "For subscriptions with cloudEvents: structured."),
    "binary": (
        "CloudEvents, binary",
        "For subscriptions with cloudEvents: binary: the data alone is the body.",
    ),
}
HEADER_MEANINGS: Mapping[str, str] = {
    "content-type": "What the body is.",
    "user-agent": "Who sends. Do not rely on it: anybody can write it.",
    "webhook-id": "The messageId: the same on every attempt and replay. Use it to find duplicates.",
    "webhook-timestamp": "When this attempt was signed, in seconds since 1970 (UTC).",
    "webhook-signature": "One signature or several, with blanks between: see “Verify signatures”.",
    "meta-amount-before": "How many units the member could spend before the change.",
    "meta-sequence": "Counts the changes of the member's wallet from 1: shows gaps and order.",
    "ce-specversion": "The version of CloudEvents.",
    "ce-id": "The messageId: the same on every attempt and replay.",
    "ce-source": "The store that it happened in.",
    "ce-type": "Which webhook it is.",
    "ce-time": "When it happened.",
    "ce-subject": "The member's id.",
    "ce-requestid": "This attempt's id: new on every attempt.",
}


@dataclass(frozen=True, slots=True)
class EventGroup:
    title: str
    summary: str
    entries: tuple[Webhook[Any], ...]


def event_groups() -> list[EventGroup]:
    """All webhooks of the catalogue, those of a deployment's own modules last."""
    found: dict[tuple[str, str], list[Webhook[Any]]] = {
        about: [] for about in (*GROUPS.values(), FURTHER_GROUP)
    }
    for name in sorted(CATALOGUE):
        found[GROUPS.get(CATALOGUE[name].body.__module__, FURTHER_GROUP)].append(CATALOGUE[name])
    return [EventGroup(*about, tuple(entries)) for about, entries in found.items() if entries]


@dataclass(frozen=True, slots=True)
class HeaderRow:
    name: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class FormView:
    """One format of a webhook. `schema` is empty for CloudEvents, whose data is that of the new format."""

    form: str
    title: str
    about: str
    headers: tuple[HeaderRow, ...]
    body: Markup
    raw: str
    fields: tuple[SchemaField, ...]
    schema: Markup


def event_forms(entry: Webhook[Any], at: datetime, *, dotted_names: bool) -> Iterator[FormView]:
    """Each format in which the webhook is sent, with an example of `at`."""
    schemas: dict[str, BodyFormat] = {form: form for form in body_formats(entry)}
    for request in example_requests(entry, at, dotted_names=dotted_names):
        title, about = FORM_TITLES[request.form]
        form = schemas.get(request.form)
        yield FormView(
            form=request.form,
            title=title,
            about=about,
            headers=tuple(_header_rows(request)),
            body=colour_json(laid_out(request)),
            raw=request.body.decode(),
            fields=tuple(schema_fields(data_schema(entry, form))) if form else (),
            schema=colour_json(schema_text(entry, form)) if form else Markup(""),
        )


def laid_out(request: ExampleRequest) -> str:
    """The body for people. Numbers keep the digits that they are sent with."""
    return msgspec_json.format(request.body, indent=2).decode()


def schema_text(entry: Webhook[Any], form: BodyFormat) -> str:
    return json.dumps(json_schema(entry, form), indent=2, ensure_ascii=False)


def _header_rows(request: ExampleRequest) -> Iterator[HeaderRow]:
    for name, value in request.headers.items():
        yield HeaderRow(name, value, HEADER_MEANINGS.get(name.lower(), "A header of this webhook."))


def field_index() -> dict[str, list[str]]:
    """The webhooks that have a field of that name in any format, by the name."""
    found: dict[str, set[str]] = {}
    for entry in CATALOGUE.values():
        for form in body_formats(entry):
            for field in schema_fields(data_schema(entry, form)):
                found.setdefault(field.path.rpartition(".")[2].removesuffix("[]"), set()).add(entry.name)
    found.pop("", None)
    return {name: sorted(found[name]) for name in sorted(found, key=str.lower)}

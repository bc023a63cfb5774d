"""A subscription as its form has it: texts that somebody typed, and what they mean in the contract."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from starlette.datastructures import FormData

from api.contract.json_body import read_json, write_json
from api.contract.subscription_options import ROOT
from api.problems import Invalid
from streams.domain.calendar import to_zone

ROW_FIELDS = ("header_name", "header_value"), ("filter_path", "filter_operator", "filter_value")
AUTH_FIELDS: Mapping[str, Sequence[str]] = {
    "basic": ("username", "password"),
    "bearer": ("token",),
    "oauth2": ("tokenUrl", "clientId", "clientSecret", "scope"),
    "mtls": ("certificate", "key"),
}
NUMBER_FIELDS = ("concurrency", "requestsPerSecond")
ADD, REMOVE = "add", "remove"
"""Buttons that change the number of rows: `add=header_name`, `remove=header_name.2`."""


@dataclass(frozen=True, slots=True)
class SubscriptionInputs:
    """`texts` by the contract's names; rows of headers and of conditions, without those left empty."""

    texts: Mapping[str, str] = field(default_factory=dict)
    further: tuple[str, ...] = ()
    checked: frozenset[str] = frozenset()
    headers: tuple[tuple[str, ...], ...] = ()
    conditions: tuple[tuple[str, ...], ...] = ()

    def text(self, name: str, otherwise: str = "") -> str:
        return self.texts.get(name, otherwise)


def read_inputs(form: FormData) -> SubscriptionInputs:
    """What was sent; with a row more or less where that is what a button asked for."""
    texts = {name: str(value).strip() for name, value in form.items() if isinstance(value, str)}
    headers, conditions = (_rows(form, names) for names in ROW_FIELDS)
    checked = frozenset(name for name in ("legacy", "unordered") if form.get(name))
    further = tuple(str(name) for name in form.getlist("furtherEvents") if name)
    return SubscriptionInputs(texts, further, checked, headers, conditions)


def _rows(form: FormData, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    columns = [[str(value).strip() for value in form.getlist(name)] for name in names]
    rows = list(zip(*columns, strict=False))
    which, _, number = str(form.get(REMOVE, "")).partition(".")
    if which == names[0] and number.isdecimal() and int(number) < len(rows):
        del rows[int(number)]
    # A condition's operator is chosen from the beginning: it alone is no row.
    kept = [row for row in rows if row[0] or row[-1]]
    return (*kept, ("",) * len(names)) if form.get(ADD) == names[0] else tuple(kept)


def inputs_from_detail(detail: Mapping[str, Any], zone: ZoneInfo) -> SubscriptionInputs:
    """As the subscription is, whose REST answer `detail` is."""
    at = detail["activeFrom"]
    texts = {
        "eventName": detail["eventName"],
        "url": detail["url"],
        "description": detail["description"],
        "activeFrom": f"{to_zone(datetime.fromisoformat(at), zone):%Y-%m-%dT%H:%M}" if at else "",
        "signing": detail["signing"],
        "cloudEvents": detail["cloudEvents"] or "",
        "retryWaits": ", ".join(map(str, detail["retryWaits"])),
        "auth": "keep",
        "revision": str(detail["revision"]),
        **{name: "" if detail[name] is None else str(detail[name]) for name in NUMBER_FIELDS},
    }
    return SubscriptionInputs(
        texts,
        tuple(detail["furtherEvents"]),
        frozenset(name for name in ("legacy", "unordered") if detail[name]),
        tuple((h["headerName"], h["headerValue"] or "") for h in detail["headers"]),
        tuple((c["path"], c["operator"], write_json(c["value"])) for c in detail["filter"]),
    )


def inputs_to_body(filled: SubscriptionInputs, zone: ZoneInfo) -> dict[str, Any]:
    """What a client would send: still to be checked."""
    made: dict[str, Any] = {
        "eventName": filled.text("eventName"),
        "furtherEvents": list(filled.further),
        "url": filled.text("url"),
        "headers": [{"headerName": name, "headerValue": value} for name, value in filled.headers],
        "legacy": "legacy" in filled.checked,
        "unordered": "unordered" in filled.checked,
        "description": filled.text("description"),
        "signing": filled.text("signing", "none"),
        "filter": [
            {"path": path, "operator": operator, "value": _json(value)}
            for path, operator, value in filled.conditions
        ],
        "retryWaits": [_number(part) for part in filled.text("retryWaits").replace(",", " ").split()],
    }
    made |= {name: _number(filled.text(name)) for name in NUMBER_FIELDS if filled.text(name)}
    if filled.text("activeFrom"):
        made["activeFrom"] = _instant(filled.text("activeFrom"), zone)
    if filled.text("cloudEvents"):
        made["cloudEvents"] = filled.text("cloudEvents")
    if filled.text("signing_key") and made["signing"] != "none":
        made["signingKey"] = filled.text("signing_key")
    return made | _auth(filled)


def _auth(filled: SubscriptionInputs) -> dict[str, Any]:
    kind = filled.text("auth", "none")
    if kind == "keep":
        return {}
    said = {name: filled.text(f"auth_{kind}_{name}") for name in AUTH_FIELDS.get(kind, ())}
    return {"auth": {"kind": kind, **said}}


def _json(text: str) -> object:
    """Numbers, true, false, arrays and quoted texts are meant as such; any other text is itself."""
    try:
        return read_json(text)
    except ValueError:
        return text


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else text


def _instant(text: str, zone: ZoneInfo) -> str:
    """With the offset that the store's clocks had or will have then."""
    try:
        read_at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (read_at if read_at.tzinfo else read_at.replace(tzinfo=zone)).isoformat()


def field_problems(error: Invalid | ValidationError) -> dict[str, str]:
    """Sentences by field, as the form names its fields."""
    found: dict[str, str] = {}
    for path, message in _said(error):
        place = path.removeprefix(f"{ROOT}.").removeprefix(ROOT)
        found.setdefault(place or "form", message)
    return found


def _said(error: Invalid | ValidationError) -> Iterator[tuple[str, str]]:
    if isinstance(error, Invalid):
        yield from ((complaint.path, complaint.message) for complaint in error.complaints)
        return
    for detail in error.errors():
        yield ".".join(str(part) for part in detail["loc"]), f"{detail['msg'].removeprefix('Value error, ')}."

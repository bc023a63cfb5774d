"""Templates, and what all of them know: who looks, which store, how times and numbers are written."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from api.panel.sessions import Session
from streams.domain.calendar import to_zone
from streams.domain.store import StoreSettings
from streams.domain.values import plain_decimal

NAVIGATION = (
    ("overview", "Overview"),
    ("webhooks", "Webhooks"),
    ("deliveries", "Deliveries"),
    ("why", "Why didn’t I get it?"),
    ("expiring", "Expiring notifications"),
    ("members", "Members"),
    ("refusals", "Refusals"),
)
"""Path below the store's, and label."""


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("api.panel"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": format_number, "json": format_json}
    made.globals |= {"nav": NAVIGATION}
    return made


def panel_root(request: Request) -> str:
    """Returns the path that the panel is mounted at."""
    root: str = request.scope.get("root_path", "")
    return root


def redirect_to(request: Request, path: str) -> RedirectResponse:
    """On to that page of the panel, by GET. `path` is below the panel's own."""
    return RedirectResponse(f"{panel_root(request)}{path}", 303)


@dataclass(frozen=True, slots=True)
class PageRenderer:
    environment: Environment = field(default_factory=_environment)

    def page(
        self,
        request: Request,
        template: str,
        store: StoreSettings | None = None,
        status: int = 200,
        **context: Any,
    ) -> HTMLResponse:
        """`template` without its ending, made for whoever is signed in."""
        session: Session | None = getattr(request.state, "session", None)
        root = panel_root(request)
        zone = ZoneInfo(store.time_zone) if store else UTC
        known = {
            "root": root,
            "answer": status,
            "base": f"{root}/{store.store}" if store else root,
            "here": request.url.path,
            "session": session,
            "store": store,
            "token": lambda: _token(session),
            "may": lambda scope: session is not None and scope in session.caller.scopes,
            "when": lambda moment: format_moment(moment, zone),
            "zone": str(zone),
            "link": lambda **changed: link(request, changed),
        }
        text = self.environment.get_template(f"{template}.html").render(known | context)
        return HTMLResponse(text, status)


def _token(session: Session | None) -> Markup:
    """Returns the token that each form must send."""
    said = session.form_token if session else ""
    return Markup('<input type="hidden" name="form_token" value="{}">').format(said)


def format_moment(moment: datetime | None, zone: Any) -> Markup:
    """Formats the instant to the second in the store's time zone, with the exact one for programs."""
    if moment is None:
        return Markup('<span class="quiet">–</span>')
    return Markup('<time datetime="{}">{}</time>').format(
        moment.astimezone(UTC).isoformat(), f"{to_zone(moment, zone):%Y-%m-%d %H:%M:%S}"
    )


def format_number(value: int | Decimal) -> str:
    """Formats the number with separated thousands and only the digits that it has."""
    return f"{plain_decimal(value) if isinstance(value, Decimal) else value:,}"


def format_json(value: object) -> str:
    """JSON for people; a text that is JSON is laid out, any other stays as it is."""
    if isinstance(value, str):
        try:
            # Not read: numbers keep the digits that they were sent with.
            return msgspec.json.format(value, indent=2)
        except msgspec.DecodeError:
            return value
    return json.dumps(value, indent=2, ensure_ascii=False, default=_digits)


def _digits(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else str(value)


def link(request: Request, changed: dict[str, Any]) -> str:
    """The address of this page with other parameters; None leaves one out."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in changed]
    said: Sequence[tuple[str, str]] = [(n, str(v)) for n, v in changed.items() if v is not None]
    query = urlencode([*kept, *said])
    return f"{request.url.path}?{query}" if query else request.url.path

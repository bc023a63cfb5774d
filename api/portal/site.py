"""Renders each page of the documentation, and makes each file that belongs to it.

A page is named by its path below the documentation: "" (the index), "events/CustomerUpdated",
"guides/verify". Links are relative, so that the pages work below any address and from a disk.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from api.panel.app import STATIC_FOLDER as PANEL_FOLDER
from api.portal.catalogue import event_forms, event_groups, field_index, schema_text
from api.portal.deployment import Deployment
from api.portal.guides import GUIDES, SNIPPET_FOLDER, SNIPPETS
from api.portal.highlighting import break_name, mark_code
from api.portal.postman import postman_collection
from api.portal.search import SearchEntry, find_entries, search_entries
from api.rest.asyncapi import asyncapi_document
from api.services.webhook_examples import EXAMPLE_SECRET, example_requests
from connectors.http.envelope import LEGACY_USER_AGENT, USER_AGENT
from streams.webhooks import CATALOGUE
from streams.webhooks.schema import body_formats

ASSET_FOLDER = Path(__file__).parent / "assets"
INDEX = ""
EVENT_FOLDER, GUIDE_FOLDER, SEARCH = "events/", "guides/", "search"
ENTRY_EXAMPLE = "CustomerUpdated"


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("api.portal"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"guides": GUIDES, "snippets": SNIPPETS, "secret": EXAMPLE_SECRET}
    made.filters |= {"breakable": break_name, "sentence": mark_code}
    made.globals |= {"user_agent": USER_AGENT, "legacy_user_agent": LEGACY_USER_AGENT}
    return made


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page is shown: `root` leads from it to the index's folder, `ending` stands behind pages' paths.
    `served`: by the API, which searches and has the reference beside it."""

    root: str
    ending: str
    served: bool
    reference: str = ""
    panel: str = ""

    def link(self, path: str) -> str:
        if path == INDEX:
            return f"{self.root}index.html" if not self.served else self.root.rstrip("/") or "."
        return f"{self.root}{path}{self.ending}"


@dataclass
class PortalSite:
    """`openapi` returns the REST API's description as text."""

    deployment: Deployment
    openapi: Callable[[], str]
    _environment: Environment = field(default_factory=_environment)

    def paths(self) -> list[str]:
        """Every page but the search."""
        events = [f"{EVENT_FOLDER}{entry.name}" for group in event_groups() for entry in group.entries]
        return [INDEX, *events, *(f"{GUIDE_FOLDER}{guide.slug}" for guide in GUIDES)]

    def page(self, path: str, place: Place, at: datetime, **context: Any) -> str | None:
        """The page as HTML, with examples of `at`; None if there is none at that path."""
        if path in {INDEX, SEARCH}:
            return self._render("index" if path == INDEX else "search", path, place, **context)
        name = path.rpartition("/")[2]
        entry = CATALOGUE.get(name)
        if entry is not None and path == f"{EVENT_FOLDER}{name}":
            forms = list(event_forms(entry, at, dotted_names=self.deployment.dotted_names))
            return self._render("event", path, place, entry=entry, forms=forms)
        guide = next((guide for guide in GUIDES if path == f"{GUIDE_FOLDER}{guide.slug}"), None)
        if guide is None:
            return None
        return self._render(f"guide_{guide.slug}", path, place, guide=guide, **self._guide_context(at))

    def search_page(self, words: str, place: Place, at: datetime) -> str:
        found = find_entries(words, self._search_entries)
        return str(self.page(SEARCH, place, at, words=words, found=found))

    def _render(self, template: str, path: str, place: Place, **context: Any) -> str:
        known = {
            "path": path,
            "place": place,
            "link": place.link,
            "groups": event_groups(),
            "deployment": self.deployment,
            "words": "",
        }
        return self._environment.get_template(f"{template}.html").render(known | context)

    def _guide_context(self, at: datetime) -> dict[str, Any]:
        entry = CATALOGUE[ENTRY_EXAMPLE]
        forms = list(event_forms(entry, at, dotted_names=self.deployment.dotted_names))
        return {
            "example": entry,
            "forms": {form.form: form for form in forms},
            "fields": field_index(),
            "schemas": [(e.name, body_formats(e)) for _, e in sorted(CATALOGUE.items())],
            "request": example_requests(entry, at, dotted_names=self.deployment.dotted_names)[0],
        }

    @cached_property
    def _search_entries(self) -> list[SearchEntry]:
        return search_entries()

    def file(self, path: str, at: datetime) -> bytes | None:
        """A file that pages load or offer; None if there is none at that path."""
        folder, _, name = path.rpartition("/")
        if folder == "assets" and name in {"panel.css", "icon.svg"}:
            return (PANEL_FOLDER / name).read_bytes()
        if folder == "assets" and name in {"portal.css", "portal.js"}:
            return (ASSET_FOLDER / name).read_bytes()
        if path == "assets/search-index.js":
            # A script, not JSON: a browser lets no page on a disk fetch a file beside it.
            entries = json.dumps([entry._asdict() for entry in self._search_entries])
            return f"window.PORTAL_ENTRIES = {entries};\n".encode()
        if folder == "code" and name in {snippet.file for snippet in SNIPPETS}:
            return (SNIPPET_FOLDER / name).read_bytes()
        if folder == "schemas":
            return self._schema_file(name)
        made = self._documents(at).get(path)
        return made().encode() if made else None

    def _documents(self, at: datetime) -> dict[str, Callable[[], str]]:
        dotted = self.deployment.dotted_names
        return {
            "asyncapi.json": lambda: _json(asyncapi_document(version("loyalty-webhooks"), at)),
            "openapi.json": self.openapi,
            "postman.json": lambda: _json(postman_collection(at, dotted_names=dotted)),
        }

    def _schema_file(self, name: str) -> bytes | None:
        event, _, form = name.removesuffix(".json").partition(".")
        entry = CATALOGUE.get(event)
        found = next((each for each in body_formats(entry) if each == form), None) if entry else None
        return f"{schema_text(entry, found)}\n".encode() if entry and found else None

    def files(self) -> Iterator[str]:
        """The paths of all files."""
        yield from (f"assets/{name}" for name in ("panel.css", "icon.svg", "portal.css", "portal.js"))
        yield "assets/search-index.js"
        yield from (f"code/{snippet.file}" for snippet in SNIPPETS)
        for entry in CATALOGUE.values():
            yield from (f"schemas/{entry.name}.{form}.json" for form in body_formats(entry))
        yield from ("asyncapi.json", "openapi.json", "postman.json")

    def write(self, folder: Path, at: datetime) -> int:
        """Writes pages and files below the folder, which open from the disk. Returns how many."""
        made = {path: self.file(path, at) for path in self.files()}
        for path in self.paths():
            place = Place("../" * path.count("/"), ".html", served=False)
            text = self.page(path, place, at) or ""
            made[f"{path or 'index'}.html"] = text.encode()
        for path, content in made.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content or b"")
        return len(made)


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

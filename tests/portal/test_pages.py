"""The documentation as a receiving developer reads it: over HTTP, without a script, and behind sign-in."""

import json
import re
from html import unescape
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urljoin

import pytest
from typer.testing import CliRunner

from api.cli import app
from api.portal.deployment import describe_deployment
from api.portal.guides import GUIDES, SNIPPETS
from api.portal.search import find_entries, search_entries
from streams.settings import Settings
from streams.webhooks import CATALOGUE
from streams.webhooks.contract import schema_fields
from streams.webhooks.schema import body_formats, data_schema
from tests.api.conftest import Door, _shared
from tests.further import NAME, entered
from tests.panel.conftest import Visitor, employ

ROOT = "/docs/webhooks"
NAMES = sorted(CATALOGUE)


@pytest.fixture
def door() -> Door:
    return _shared()


def page(door: Door, path: str) -> str:
    answer = door.call("GET", f"{ROOT}{path}", headers={})
    assert (path, answer.status_code) == (path, 200)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())


@pytest.mark.parametrize("name", NAMES)
def test_each_webhook_has_its_page_with_triggers_formats_fields_and_schemas(door: Door, name: str) -> None:
    entry, shown = CATALOGUE[name], words(page(door, f"/events/{name}"))

    for said in (entry.description.replace("`", ""), entry.legacy_type, *entry.triggers):
        assert " ".join(said.split()) in shown
    for form in body_formats(entry):
        fields = schema_fields(data_schema(entry, form))
        assert [f.path for f in fields if f.meaning not in shown or (f.path or "data") not in shown] == []
        answer = door.call("GET", f"{ROOT}/schemas/{name}.{form}.json", headers={})
        assert answer.json()["description"] == entry.description
    assert all(said in shown for said in ("webhook-signature", "specversion", "ce-id", "JSON Schema"))


def test_every_link_of_every_page_leads_somewhere_and_nothing_is_loaded_from_elsewhere(door: Door) -> None:
    todo, seen = [ROOT], set()
    while todo:
        here = todo.pop()
        seen.add(here)
        answer = door.call("GET", here, headers={}, follow_redirects=True)
        assert (here, answer.status_code) == (here, 200)
        if not answer.headers["content-type"].startswith("text/html") or not here.startswith(ROOT):
            continue
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script>", answer.text)
        for target in re.findall(r'(?:href|src|action)="([^"#]+)', answer.text):
            to = urljoin(str(answer.url), unescape(target))
            if not to.startswith("http://api"):
                assert f'<a href="{target}"' in answer.text
                continue
            path = to.removeprefix("http://api")
            if path not in seen and path not in todo and not path.startswith("/panel"):
                todo.append(path)
    assert {f"{ROOT}/events/{name}" for name in NAMES} <= seen
    assert {f"{ROOT}/guides/{guide.slug}" for guide in GUIDES} <= seen
    assert {f"{ROOT}/code/{snippet.file}" for snippet in SNIPPETS} <= seen
    assert {f"{ROOT}/{name}.json" for name in ("asyncapi", "openapi", "postman")} <= seen


def test_the_policy_allows_nothing_but_our_own_files(door: Door) -> None:
    policy = door.call("GET", ROOT, headers={}).headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_search_without_a_script_finds_events_by_fields_and_guides_by_words(door: Door) -> None:
    assert "PointsWillExpire" in page(door, "/search?q=remainingUnits")
    assert "Verify signatures" in words(page(door, "/search?q=rotation"))
    assert "Nothing has all of these words: “<b>x”" in words(page(door, "/search?q=%3Cb%3Ex"))
    assert find_entries("retries", search_entries())[0].title == "Retries"


def test_a_page_that_there_is_not_is_not_found(door: Door) -> None:
    for path in (
        "/events/Nothing",
        "/guides/nothing",
        "/code/../routes.py",
        "/assets/htmx.min.js",
        "/schemas/x",
    ):
        assert door.call("GET", f"{ROOT}{path}", headers={}).status_code == 404


def test_a_webhook_of_a_deployment_gets_its_page_without_more(door: Door) -> None:
    with entered():
        shown = words(page(door, f"/events/{NAME}"))

        assert "Units are spent." in shown
        assert '"points": 40' in shown
        assert "Further webhooks" in words(page(door, ""))
        assert NAME in page(door, "/guides/downloads")


def test_retries_and_times_are_those_of_policy_and_settings() -> None:
    said = describe_deployment(
        Settings(
            request_timeout=7.5,
            disable_after_days=0,
            sender_networks=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")),
        )
    )

    assert said.retries.waits[:5] == ("5 seconds", "30 seconds", "2 minutes", "10 minutes", "1 hour")
    assert (said.request_timeout, said.disable_after, said.held) == ("7.5 seconds", None, "30 days")
    assert said.networks == ("192.0.2.0/24", "2001:db8::/32")
    assert said.retries.given_up_after == "3 days"


def test_addresses_are_told_where_the_setting_names_them() -> None:
    shown = Door(deployment=describe_deployment(Settings(sender_networks=(ip_network("192.0.2.0/24"),))))

    assert "192.0.2.0/24" in page(shown, "/guides/addresses")


def test_behind_sign_in_the_documentation_and_its_documents_ask_for_a_session() -> None:
    door = Door(deployment=describe_deployment(Settings(docs_access="signed_in")))
    guarded = "/panel/~docs/webhooks"
    for path, leads_to in (
        (ROOT, guarded),
        (f"{ROOT}/events/CustomerUpdated", f"{guarded}/events/CustomerUpdated"),
        ("/openapi.json", f"{guarded}/openapi.json"),
        ("/asyncapi.json", f"{guarded}/asyncapi.json"),
    ):
        answer = door.call("GET", path, headers={})
        assert (answer.status_code, answer.headers["location"]) == (303, leads_to)
        refused = door.call("GET", leads_to, headers={})
        assert refused.headers["location"].startswith("/panel/login?next=")

    employ(door)
    visitor = Visitor(door)
    visitor.sign_in()
    shown = visitor.get(f"{guarded}/events/CustomerUpdated")
    assert (shown.status, "CustomerUpdated" in shown.text) == (200, True)
    assert "/api/{storeCode}/member" in visitor.get(f"{guarded}/openapi.json").html


def test_the_postman_collection_sends_each_webhook_in_each_format(door: Door) -> None:
    collection = door.call("GET", f"{ROOT}/postman.json", headers={}).json()

    folders = {folder["name"]: folder["item"] for group in collection["item"] for folder in group["item"]}
    assert sorted(folders) == NAMES
    for name, requests in folders.items():
        assert len(requests) == len(body_formats(CATALOGUE[name])) + 2
        assert all(json.loads(each["request"]["body"]["raw"]) for each in requests)


def test_the_command_writes_pages_whose_links_lead_to_files_beside_them(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["webhooks", "docs", "--output", str(tmp_path / "docs")])

    assert answer.exit_code == 0, answer.output
    files = [file for file in (tmp_path / "docs").rglob("*") if file.is_file()]
    assert f"{len(files)} files written" in answer.output
    for file in (file for file in files if file.suffix == ".html"):
        for target in re.findall(r'(?:href|src|action)="([^"#]+)', file.read_text()):
            if "://" not in target:
                assert (file.parent / target).is_file(), f"{file.name}: {target}"
    for name in ("asyncapi.json", "openapi.json", "postman.json"):
        assert json.loads((tmp_path / "docs" / name).read_text())

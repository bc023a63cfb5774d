"""The overview of a running pipeline, of a store of its own: the troubles of others are not its own."""

import time
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, expect

from streams.codec.avro import encode
from streams.topics import SETTINGS
from tests.browser.accessible import findings, overflow
from tests.browser.conftest import kept, sign_in
from tests.browser.pipeline import WITHIN, Pipeline
from tests.crash.world import put
from tests.scenarios.store import SETTINGS as STORE

OVERVIEW = "/panel/WATCHED/overview"
HOSTILE = "hook?%3Cscript%3Ealert('1')%3C/script%3E"


@pytest.fixture(scope="module")
def watched(running_pipeline: Pipeline) -> Pipeline:
    """The store WATCHED with a webhook that has been delivered."""
    put(running_pipeline.connection, SETTINGS, {"WATCHED": encode(replace(STORE, store="WATCHED"))})
    until(lambda: running_pipeline.http.get(url(running_pipeline, "settings")).is_success)
    hook = {"eventName": "CustomerRegistered", "url": running_pipeline.endpoint.url(HOSTILE)}
    call(running_pipeline, "webhook/subscription", {"webhookSubscription": hook})
    register(running_pipeline, "first@example.com")
    return running_pipeline


def url(pipeline: Pipeline, path: str) -> str:
    return f"{pipeline.address}/api/WATCHED/{path}"


def call(pipeline: Pipeline, path: str, body: object) -> None:
    answer = pipeline.http.post(url(pipeline, path), json=body)
    assert answer.is_success, answer.text


def register(pipeline: Pipeline, email: str) -> None:
    call(pipeline, "member", {"customer": {"email": email}})


def until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 2 * WITHIN
    while not there():
        assert time.monotonic() < deadline, "it did not happen"
        # The page is asked for again: neither a topic nor a view tells that it has grown.
        time.sleep(0.1)


def test_the_pipeline_is_seen_at_work_without_loading_the_page_again(watched: Pipeline, page: Page) -> None:
    page.goto(OVERVIEW)
    delivered = page.get_by_role("row").filter(has_text="CustomerRegistered").get_by_role("cell").nth(4)
    expect(delivered).to_have_text("1")
    expect(page.get_by_role("row").filter(has_text="nobody works")).to_have_count(0)

    register(watched, "second@example.com")

    expect(delivered).to_have_text("2")
    expect(page.get_by_text("All is well:")).to_be_visible()
    expect(page.locator("svg.flow")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="fan-out")).to_contain_text("1 process")


def test_it_is_accessible_and_fits_a_phone_where_the_picture_is_a_list(watched: Pipeline, page: Page) -> None:
    page.goto(OVERVIEW)
    expect(page.get_by_text("All is well:")).to_be_visible()

    assert findings(page) == []
    assert overflow(page) == 0
    kept(page, "overview")
    page.set_viewport_size({"width": 375, "height": 740})

    expect(page.locator("svg.flow")).to_be_hidden()
    expect(page.get_by_text("what the programme is asked to do", exact=True)).to_be_visible()
    expect(page.locator(".way li")).to_have_count(15)
    kept(page, "overview-phone")


def test_a_table_that_was_opened_stays_open_when_the_figures_change(watched: Pipeline, page: Page) -> None:
    page.goto(OVERVIEW)
    day = page.locator("#past section").filter(has_text="The last 24 hours")
    day.get_by_text("As a table").click()

    def delivered() -> int:
        return sum(map(int, day.locator("tbody tr td:first-of-type").all_inner_texts()))

    before = delivered()

    register(watched, f"member-{before}@example.com")

    until(lambda: delivered() == before + 1)
    expect(day.locator("details")).to_have_attribute("open", "")


def test_without_a_script_it_says_the_same(watched: Pipeline, browser: Browser) -> None:
    context = browser.new_context(base_url=watched.address, java_script_enabled=False)
    page = context.new_page()
    sign_in(page)

    page.goto(OVERVIEW)

    expect(page.get_by_text("All is well:")).to_be_visible()
    expect(page.get_by_role("heading", name="The data's way")).to_be_visible()
    context.close()

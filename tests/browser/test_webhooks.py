"""Webhooks managed in a browser, and delivered by the running pipeline."""

import re

from playwright.sync_api import Page, expect

from tests.browser.accessible import findings, overflow
from tests.browser.conftest import kept
from tests.browser.pipeline import Pipeline

LIST = "/panel/DEFAULT/webhooks"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def fill(page: Page, event: str, url: str) -> None:
    page.get_by_role("link", name="Add new webhook").click()
    # Its scripts too: they show what the chosen event is.
    page.wait_for_load_state()
    page.get_by_label("Webhook (required)").select_option(event)
    expect(page.get_by_role("heading", name=event)).to_be_visible()
    page.get_by_label("URL (required)").fill(url)


def test_a_webhook_is_added_tested_and_gets_what_happens(page: Page, running_pipeline: Pipeline) -> None:
    fill(page, "CustomerRegistered", running_pipeline.endpoint.url("added"))
    page.get_by_label("Name", exact=True).fill("X-Shop")
    page.get_by_label("Value", exact=True).first.fill("blue")
    page.get_by_role("button", name="Add header").click()
    expect(page.get_by_label("Name", exact=True)).to_have_count(2)
    assert findings(page) == []
    assert overflow(page) == 0
    kept(page, "add-webhook")
    page.get_by_label("Standard Webhooks").check()
    page.get_by_role("button", name="Add webhook").click()

    expect(page.locator("#secret")).to_contain_text("whsec_")
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_role("heading", name="CustomerRegistered active")).to_be_visible()
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_role("status")).to_contain_text("it answered 200")
    kept(page, "test-webhook")
    member = running_pipeline.member("added@example.com")
    assert member in str(running_pipeline.endpoint.await_bodies("added", 2)[1])


def test_errors_stand_beside_their_fields(page: Page, running_pipeline: Pipeline) -> None:
    fill(page, "CustomerUpdated", "https://user:secret@shop.example/")
    page.get_by_role("checkbox", name="Legacy mode").check()

    page.get_by_role("button", name="Add webhook").click()

    expect(page.get_by_label("URL (required)")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#problem-url")).to_contain_text("must hold no user name and password")
    expect(page.get_by_role("checkbox", name="Legacy mode")).to_be_checked()
    assert findings(page) == []


def test_the_list_is_searched_sorted_and_shared_by_its_address(
    page: Page, running_pipeline: Pipeline
) -> None:
    for n in range(3):
        running_pipeline.subscribed(f"list-{n}", "CustomerUpdated", legacy=n == 1)
    page.goto(LIST)

    page.get_by_label("Search").fill("list- customer.updated")
    expect(page).to_have_url(re.compile("q=list-"))
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_role("link", name="URL").click()
    expect(page.locator("tbody tr").first).to_contain_text("list-0")
    page.get_by_role("link", name="URL").click()
    expect(page.locator("tbody tr").first).to_contain_text("list-2")
    page.get_by_label("Legacy", exact=True).select_option("No")
    expect(page.locator("tbody tr")).to_have_count(2)

    expect(page).to_have_url(re.compile("q=list-.*legacy=no"))
    page.goto(page.url)
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody tr").first).to_contain_text("list-2")
    expect(page.get_by_label("Search")).to_have_value("list- customer.updated")
    assert findings(page) == []
    assert overflow(page) == 0


def test_a_paused_webhook_holds_what_happens_until_it_is_resumed(
    page: Page, running_pipeline: Pipeline
) -> None:
    subscription = running_pipeline.subscribed("held")
    page.goto(f"{LIST}/{subscription}")

    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("heading", name="CustomerRegistered paused")).to_be_visible()
    member = running_pipeline.member("held@example.com")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("heading", name="CustomerRegistered active")).to_be_visible()

    assert member in str(running_pipeline.endpoint.await_bodies("held", 1)[0])


def test_a_webhook_is_changed_and_deleted_after_a_question(page: Page, running_pipeline: Pipeline) -> None:
    subscription = running_pipeline.subscribed("before")
    page.goto(f"{LIST}/{subscription}")

    page.get_by_role("link", name="Edit").click()
    page.get_by_label("URL (required)").fill(running_pipeline.endpoint.url("after"))
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_role("status").first).to_contain_text("Saved.")
    running_pipeline.member("changed@example.com")
    running_pipeline.endpoint.await_bodies("after", 1)
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_role("heading", name="Delete this webhook?")).to_be_visible()
    assert findings(page) == []
    page.get_by_role("button", name="Delete").click()

    expect(page.get_by_role("status").first).to_contain_text("Deleted.")
    page.goto(f"{LIST}/{subscription}")
    expect(page.get_by_text("There is no such page")).to_be_visible()


def test_hostile_texts_are_shown_and_not_run(page: Page, running_pipeline: Pipeline) -> None:
    running_pipeline.endpoint.answers["hostile"] = (400, HOSTILE)
    fill(page, "CustomerUpdated", running_pipeline.endpoint.url("hostile"))
    page.get_by_label("Description").fill(HOSTILE)
    page.get_by_label("Name", exact=True).fill("X-A")
    # Not the answer's text: a header's value is blanked in answers.
    page.get_by_label("Value", exact=True).first.fill("<svg onload=alert(3)>")
    page.get_by_role("button", name="Add webhook").click()
    expect(page.get_by_role("cell", name=HOSTILE)).to_be_visible()

    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_label("Body of the response")).to_have_text(HOSTILE)
    page.goto(f"{LIST}?q={HOSTILE}&url={HOSTILE}")
    expect(page.get_by_label("Search")).to_have_value(HOSTILE)
    page.goto(f"{LIST}?q=img")
    expect(page.get_by_text(HOSTILE)).to_be_visible()


def test_the_list_works_without_a_script(page: Page, running_pipeline: Pipeline) -> None:
    running_pipeline.subscribed("plain", "CustomerDeactivated")
    browser = page.context.browser
    assert browser
    without = browser.new_context(
        base_url=running_pipeline.address,
        java_script_enabled=False,
        storage_state=page.context.storage_state(),
    )
    plain = without.new_page()

    plain.goto(LIST)
    plain.get_by_label("Search").fill("plain deactivated")
    plain.get_by_role("button", name="Filter").click()

    expect(plain.locator("tbody tr")).to_have_count(1)
    expect(plain.locator("tbody tr")).to_contain_text("CustomerDeactivated")
    without.close()


def test_the_longest_name_fits_a_phone(page: Page, running_pipeline: Pipeline) -> None:
    subscription = running_pipeline.subscribed("long", "CustomerWasRegisteredWithoutActivation")

    for path in ("", "/edit", "/delete", "/redrive", "/replay"):
        page.goto(f"{LIST}/{subscription}{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert (path, overflow(page)) == (path, 0)

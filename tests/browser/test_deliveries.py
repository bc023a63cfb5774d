"""Deliveries followed, tried again, replayed and explained in a browser, over the running pipeline."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from tests.browser.accessible import findings, overflow
from tests.browser.conftest import kept
from tests.browser.pipeline import Pipeline

WEBHOOKS = "/panel/DEFAULT/webhooks"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
SOON = 60_000
"""Milliseconds for what goes through the whole pipeline."""


def local(ago: timedelta = timedelta(0)) -> str:
    return f"{datetime.now(UTC) - ago:%Y-%m-%dT%H:%M}"


def failing(pipeline: Pipeline, path: str) -> str:
    """The id of a webhook whose endpoint answers 503; after two tries it is given up."""
    pipeline.endpoint.answers[path] = (503, HOSTILE)
    return pipeline.subscribed(path, retryWaits=[1])


def test_a_failed_delivery_shows_by_itself_and_arrives_after_retry(
    page: Page, running_pipeline: Pipeline
) -> None:
    webhook = failing(running_pipeline, "fails-first")
    page.goto(f"{WEBHOOKS}/{webhook}/log")
    expect(page.get_by_text("Nothing was sent yet.")).to_be_visible()

    running_pipeline.member("fails-first@example.com")

    row = page.locator("#log tbody tr", has_text="CustomerRegistered")
    expect(row).to_contain_text("dead", timeout=SOON)
    assert findings(page) == []
    assert overflow(page) == 0
    kept(page, "delivery-log")
    row.get_by_role("link").first.click()
    page.get_by_text("What the endpoint said").first.click()
    expect(page.get_by_text(HOSTILE).first).to_be_visible()
    assert findings(page) == []
    assert overflow(page) == 0
    kept(page, "delivery-dead")

    running_pipeline.endpoint.answers["fails-first"] = (200, "thanks")
    page.get_by_role("button", name="Retry").click()

    expect(page.locator("#delivery")).to_contain_text("It arrived.", timeout=SOON)
    expect(page.locator("#delivery tbody").first.locator("tr")).to_have_count(3)
    kept(page, "delivery-retried")
    bodies = running_pipeline.endpoint.await_bodies("fails-first", 3)
    assert len({body["messageId"] for body in bodies}) == 1


def test_the_log_is_filtered_in_place_and_its_address_can_be_shared(
    page: Page, running_pipeline: Pipeline
) -> None:
    webhook = running_pipeline.subscribed("filtered-log")
    running_pipeline.member("filtered-log@example.com")
    page.goto(f"{WEBHOOKS}/{webhook}/log")
    rows = page.locator("#log tbody tr")
    expect(rows).to_contain_text("delivered", timeout=SOON)

    page.get_by_label("Status").select_option("dead")
    expect(rows).to_contain_text("No delivery fits")
    expect(page).to_have_url(re.compile("status=dead"))
    page.get_by_label("Status").select_option("delivered")
    expect(rows).to_contain_text("delivered")
    page.get_by_label("Member").fill(HOSTILE)
    page.get_by_label("Member").press("Enter")
    expect(page.get_by_text("No member of this store has that e-mail")).to_be_visible()
    page.get_by_label("Member").fill("filtered-log@example.com")
    page.get_by_label("Member").press("Enter")
    expect(rows).to_contain_text("delivered")
    expect(page.get_by_text("No member of this store has that e-mail")).not_to_be_visible()

    page.reload()
    expect(page.get_by_label("Member")).to_have_value("filtered-log@example.com")
    expect(page.get_by_label("Status")).to_have_value("delivered")
    expect(rows).to_have_count(1)


def test_all_that_was_given_up_is_counted_and_sent_again(page: Page, running_pipeline: Pipeline) -> None:
    webhook = failing(running_pipeline, "redriven")
    for number in range(2):
        running_pipeline.member(f"redriven-{number}@example.com")
    page.goto(f"{WEBHOOKS}/{webhook}/log?status=dead")
    expect(page.locator("#log tbody tr", has_text="dead")).to_have_count(2, timeout=SOON)
    running_pipeline.endpoint.answers["redriven"] = (200, "thanks")

    page.get_by_role("link", name="Send failed ones again").click()
    page.get_by_label("Given up from").fill(local(timedelta(hours=1)))
    page.get_by_role("button", name="Count them").click()
    expect(page.get_by_role("status")).to_contain_text("2 of 2 given up")
    assert findings(page) == []
    assert overflow(page) == 0
    kept(page, "redrive")
    page.get_by_role("button", name="Send 2 again").click()

    expect(page.get_by_role("status")).to_contain_text("2 deliveries go out again. None of them is left.")
    page.get_by_role("link", name="See what comes of them").click()
    delivered = page.locator("#log tbody .status", has_text="delivered")
    expect(delivered).to_have_count(2, timeout=SOON)


def test_the_past_is_replayed_watched_and_cancelled(page: Page, running_pipeline: Pipeline) -> None:
    for number in range(8):
        running_pipeline.member(f"replayed-{number}@example.com")
    webhook = running_pipeline.subscribed("replayed")
    page.goto(f"{WEBHOOKS}/{webhook}/replay")

    page.get_by_label("From").fill(local(timedelta(hours=1)))
    page.get_by_label("Most a second").fill("1")
    page.get_by_role("button", name="Count them").click()
    expect(page.get_by_role("status")).to_contain_text(re.compile(r"\d+ deliveries"))
    assert findings(page) == []
    assert overflow(page) == 0
    kept(page, "replay-counted")
    page.get_by_role("button", name="Start the replay").click()
    bar = page.get_by_role("progressbar")
    expect(bar).to_have_attribute("value", re.compile("[1-9]"), timeout=SOON)
    assert findings(page) == []
    assert overflow(page) == 0
    kept(page, "replay-running")
    page.get_by_role("button", name="Cancel the replay").click()
    expect(page.locator("#replay")).to_contain_text("cancelled", timeout=SOON)
    expect(bar).not_to_be_visible()

    page.get_by_role("link", name="All replays").click()
    expect(page.locator("tbody tr")).to_contain_text("cancelled")
    page.get_by_label("From").fill(local(timedelta(hours=1)))
    page.get_by_role("button", name="Count them").click()
    page.get_by_role("button", name="Start the replay").click()
    expect(page.locator("#replay")).to_contain_text("done", timeout=SOON)
    # The one that was cancelled has sent some of them already: to count would not do.
    wanted = {f"replayed-{number}@example.com" for number in range(8)}
    assert running_pipeline.endpoint.await_that(
        "replayed", lambda bodies: wanted <= {body["data"]["customerData"]["email"] for body in bodies}
    )


def test_why_one_did_not_come_is_told_with_what_the_filter_saw(
    page: Page, running_pipeline: Pipeline
) -> None:
    wanted = [{"path": "customerData.email", "operator": "eq", "value": "boss@example.com"}]
    webhook = running_pipeline.subscribed("why", filter=wanted)
    running_pipeline.member("why@example.com")
    page.goto(f"/panel/DEFAULT/why?subscription={webhook}")

    page.get_by_label("Event or message id").fill(HOSTILE)
    page.get_by_role("button", name="Find out").click()
    expect(page.get_by_text("That is no id")).to_be_visible()
    expect(page.get_by_label("Event or message id")).to_have_value(HOSTILE)
    assert findings(page) == []
    page.get_by_label("Event or message id").fill("")
    page.get_by_label("Member").fill("why@example.com")
    page.get_by_label("About when").fill(local())
    page.get_by_role("button", name="Find out").click()

    verdict = page.locator(".verdicts li", has_text="filtered")
    expect(verdict).to_contain_text('customerData.email eq "boss@example.com"')
    expect(verdict).to_contain_text('"why@example.com"')
    assert findings(page) == []
    assert overflow(page) == 0
    kept(page, "why")

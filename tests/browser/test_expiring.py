"""Expiring notifications in a browser: typed, previewed, saved."""

import uuid

from playwright.sync_api import Page, expect

from tests.browser.accessible import findings, overflow
from tests.browser.conftest import kept
from tests.browser.pipeline import Pipeline

PAGE = "/panel/DEFAULT/expiring"


def soon_gone(pipeline: Pipeline) -> str:
    """A new member whose units expire in 20 days."""
    member = pipeline.member(f"{uuid.uuid4().hex}@example.com")
    transfer = {"customer": member, "points": 40, "expiresInDays": 20}
    pipeline.call("POST", "points/add", {"transfer": transfer})
    return member


def test_what_is_typed_is_previewed_then_saved_and_in_force(page: Page, running_pipeline: Pipeline) -> None:
    member = soon_gone(running_pipeline)
    before = running_pipeline.call("GET", "settings")["settings"]
    page.get_by_role("link", name="Expiring notifications").first.click()

    page.get_by_label("Days before units expire").fill("15, 12")
    page.get_by_role("button", name="Preview").click()

    expect(page.get_by_text("which are not saved")).to_be_visible()
    expect(page.get_by_label("Days before units expire")).to_have_value("15, 12")
    expect(page.get_by_role("link", name=member)).to_have_count(2)
    expect(page.get_by_role("img", name="Announcements in the coming 4 weeks, by day")).to_be_visible()
    assert running_pipeline.call("GET", "settings")["settings"] == before
    kept(page, "expiring")
    assert findings(page) == []
    assert overflow(page) == 0
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_text("These settings are in force now")).to_be_visible()
    assert running_pipeline.call("GET", "settings")["settings"]["expirePointsNotificationDays"] == [15, 12]
    running_pipeline.call("PATCH", "settings", {"settings": before})


def test_a_mistake_is_told_beside_its_field(page: Page) -> None:
    page.goto(PAGE)
    typed = '"><script>alert(1)</script>'

    page.get_by_label("Days before a coupon ends").fill(typed)
    page.get_by_role("button", name="Save settings").click()

    field = page.get_by_label("Days before a coupon ends")
    expect(field).to_have_value(typed)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#problem-coupons")).to_contain_text("is no number of days")
    assert findings(page) == []


def test_a_wallet_is_given_days_of_its_own_by_keyboard(page: Page, running_pipeline: Pipeline) -> None:
    page.goto(PAGE)
    page.get_by_text("Wallets with days of their own").press("Enter")
    miles = page.get_by_role("group", name="Miles")

    miles.get_by_label("As the store's units").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.type("14, 3")
    page.keyboard.press("Enter")

    # Enter sends the form by its first button, which only looks.
    expect(page.get_by_text("which are not saved")).to_be_visible()
    expect(miles.get_by_label("Own days", exact=True)).to_be_checked()
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_text("These settings are in force now")).to_be_visible()
    settings = running_pipeline.call("GET", "settings")["settings"]
    assert settings["expirePointsNotificationDaysByWallet"] == {"miles": [14, 3]}
    back = {"expirePointsNotificationDaysByWallet": {"miles": None}}
    running_pipeline.call("PATCH", "settings", {"settings": back})


def test_it_works_without_a_script(page: Page, running_pipeline: Pipeline) -> None:
    member = soon_gone(running_pipeline)
    page.route("**/*.js", lambda route: route.fulfill(body=""))
    page.goto(PAGE)

    page.get_by_label("Days before units expire").fill("18")
    page.get_by_role("button", name="Preview").click()

    expect(page.get_by_role("link", name=member)).to_be_visible()

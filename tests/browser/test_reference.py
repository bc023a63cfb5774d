"""The reference of the REST API opens without the internet: whatever it needs comes from us."""

from playwright.sync_api import Page, expect

from tests.browser.accessible import findings, overflow
from tests.browser.conftest import kept


def test_the_reference_lists_and_opens_operations_and_asks_nobody_else(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    own = page.url.split("/panel")[0]

    page.goto("/docs")

    expect(page.get_by_text("/api/{storeCode}/webhook/subscription", exact=True).first).to_be_visible()
    page.locator(".opblock-summary-control").first.click()
    expect(page.get_by_text("Responses", exact=True).first).to_be_visible()
    kept(page, "reference")
    assert [url for url in asked if not url.startswith((own, "data:"))] == []


def test_the_documentation_searches_copies_and_fits_a_phone(page: Page) -> None:
    page.goto("/docs/webhooks")
    page.get_by_label("Search the documentation").fill("remainingUnits")
    page.locator("#found").get_by_role("link", name="PointsWillExpire").click()

    expect(page.get_by_role("heading", name="PointsWillExpire")).to_be_visible()
    page.get_by_role("button", name="Copy: Example body, New format").click()
    expect(page.get_by_role("button", name="Copy: Example body, New format")).to_have_text("Copied")
    assert (findings(page), overflow(page)) == ([], 0)

"""The reference of the REST API opens without the internet: whatever it needs comes from us."""

from playwright.sync_api import Page, expect

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


def test_the_webhooks_page_has_its_style(page: Page) -> None:
    page.goto("/docs/webhooks")

    expect(page.get_by_role("heading", name="Webhooks", exact=True)).to_be_visible()
    assert page.locator("body").evaluate("body => getComputedStyle(body).maxWidth") != "none"

"""Signing in and out, as somebody at a keyboard does."""

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.accessible import findings, overflow
from tests.browser.conftest import kept


def test_whoever_signs_in_sees_the_webhooks_and_nobody_does_after_signing_out(page: Page) -> None:
    expect(page.get_by_role("heading", name="Webhooks")).to_be_visible()

    page.get_by_role("button", name="Sign out").click()
    page.goto("/panel/DEFAULT/webhooks")

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_sign_in_page_works_by_keyboard_and_is_accessible(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/panel/login")

    assert findings(page) == []
    assert overflow(page) == 0
    kept(page, "sign-in")
    page.keyboard.type("anna")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    expect(page.get_by_label("User name")).to_have_value("anna")

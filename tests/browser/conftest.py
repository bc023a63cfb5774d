"""One browser and one pipeline for all of the panel's tests; for each a context of its own, signed in."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, expect, sync_playwright

from streams.settings import Settings
from tests.browser.chromium import ARGUMENTS, chromium
from tests.browser.pipeline import PASSWORD, USERNAME, WITHIN, Pipeline, pipeline

HERE = Path(__file__).parent
SCREENSHOTS = HERE.parent.parent / "build" / "screenshots"
"""Kept as build output."""
expect.set_options(timeout=WITHIN * 1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.kafka)


@pytest.fixture(scope="package")
def running_pipeline(bootstrap_servers: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    settings = Settings(
        bootstrap_servers=bootstrap_servers,
        topic_prefix=f"b-{uuid.uuid4().hex[:8]}.",
        home=tmp_path_factory.mktemp("panel"),
        partitions=2,
    )
    with pipeline(settings) as made:
        yield made


# Not of the session: while it is there, this thread has a running loop, and other tests make their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        yield made
        made.close()


@pytest.fixture
def context(browser: Browser, running_pipeline: Pipeline) -> Iterator[BrowserContext]:
    made = browser.new_context(base_url=running_pipeline.address, viewport={"width": 1280, "height": 800})
    made.set_default_timeout(WITHIN * 1000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """Signed in, at the list of webhooks. Whatever the browser complains of fails the test."""
    complaints: list[str] = []
    made = context.new_page()

    def dismissed(dialog: Dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    made.on("console", lambda message: complaints.append(_said(message)))
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.on("dialog", dismissed)
    sign_in(made)
    yield made
    assert [complaint for complaint in complaints if complaint] == []


def sign_in(page: Page) -> None:
    page.goto("/panel/DEFAULT/webhooks")
    page.get_by_label("User name").fill(USERNAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url("/panel/DEFAULT/webhooks")


def _said(message: ConsoleMessage) -> str:
    """Empty for hints, and for a form's answer of 4xx, which browsers call an error: the page shows it."""
    refused = message.text.startswith("Failed to load resource") and " 4" in message.text
    return "" if refused or message.text.startswith("[DOM]") else f"{message.type}: {message.text}"


def kept(page: Page, name: str, *, whole: bool = True) -> None:
    """A screenshot, for whoever looks at the build."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)

"""A member in a browser: found, understood, and followed to the webhooks it caused."""

import uuid

from playwright.sync_api import Page, expect

from tests.browser.accessible import findings, overflow
from tests.browser.conftest import kept
from tests.browser.pipeline import Pipeline

XSS = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>"


def test_a_member_is_found_and_shown_with_all_that_happened(page: Page, running_pipeline: Pipeline) -> None:
    email = f"{uuid.uuid4().hex}@example.com"
    path = f"member-{uuid.uuid4().hex}"
    running_pipeline.subscribed(path, "AvailablePointsAmountChanged")
    member = running_pipeline.member(email, firstName="Anna", lastName="Nowak")
    for points, days in ((300, 20), (120, 75)):
        transfer = {"customer": member, "points": points, "expiresInDays": days}
        running_pipeline.call("POST", "points/add", {"transfer": transfer})
    running_pipeline.endpoint.await_bodies(path, 2)

    page.get_by_role("link", name="Members").click()
    page.get_by_label("Find a member").fill(email)
    page.get_by_role("button", name="Find").click()

    expect(page).to_have_url(f"/panel/DEFAULT/members/{member}")
    expect(page.get_by_role("heading", name="Anna Nowak")).to_be_visible()
    expect(page.get_by_role("row", name="Points 420")).to_be_visible()
    expect(page.get_by_role("img", name="Units that expire if they are not spent")).to_be_visible()
    happened = page.locator("#happened")
    expect(happened).to_contain_text("Earned 120 points")
    expect(happened).to_contain_text("AvailablePointsAmountChanged 300 → 420 points")
    page.reload()
    expect(happened.get_by_role("link", name="delivered").first).to_be_visible()
    kept(page, "member")
    assert findings(page) == []
    assert overflow(page) == 0


def test_nobody_is_found_and_the_page_says_what_to_give(page: Page) -> None:
    page.goto("/panel/DEFAULT/members")

    page.get_by_label("Find a member").fill(XSS)
    page.get_by_role("button", name="Find").click()

    expect(page.get_by_role("status")).to_contain_text("No member of DEFAULT is known by")
    expect(page.get_by_label("Find a member")).to_have_value(XSS)
    assert findings(page) == []
    assert overflow(page) == 0


def test_what_a_member_typed_stays_text(page: Page, running_pipeline: Pipeline) -> None:
    address = {"street": XSS, "city": XSS}
    member = running_pipeline.member(
        f"{uuid.uuid4().hex}@example.com",
        firstName=XSS,
        lastName=XSS,
        gender=XSS,
        address=address,
        customAttributes=[{"key": XSS, "value": XSS}],
    )
    transfer = {"customer": member, "points": 5, "comment": XSS}
    running_pipeline.call("POST", "points/add", {"transfer": transfer})

    page.goto(f"/panel/DEFAULT/members/{member}")

    expect(page.get_by_role("heading", level=1)).to_contain_text(XSS)
    expect(page.locator("#happened")).to_contain_text(f"(“{XSS}”)")
    assert page.locator("img[src=x]").count() == 0
    assert findings(page) == []
    assert overflow(page) == 0


def test_its_past_is_read_without_a_script_too(page: Page, running_pipeline: Pipeline) -> None:
    member = running_pipeline.member(f"{uuid.uuid4().hex}@example.com")
    page.route("**/*.js", lambda route: route.fulfill(body=""))
    page.goto(f"/panel/DEFAULT/members/{member}")

    page.get_by_role("link", name="Read it").click()

    expect(page.get_by_text("Became a member")).to_be_visible()

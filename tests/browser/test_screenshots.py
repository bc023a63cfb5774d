"""The pictures of the README: a music shop's webhooks after a day, one endpoint of which has gone astray.

KEEP_SCREENSHOTS=1 writes them into the repository; without it they are made, and kept as build output.
"""

import os
import random
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from confluent_kafka import Producer
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from streams.codec.avro import HEADER, encode
from streams.delivery.records import Attempt, EndpointStatus
from streams.topics import ATTEMPTS, ENDPOINT_STATUS, SETTINGS
from tests.browser.conftest import SCREENSHOTS, kept
from tests.browser.pipeline import Pipeline
from tests.browser.test_overview import until
from tests.crash.world import put
from tests.scenarios.store import SETTINGS as STORE

COMMITTED = Path(__file__).parent / "screenshots"
LARGEST = 200_000
SHOP = "MUSIC"
HOOKS = (
    ("AvailablePointsAmountChanged", "https://crm.music.example/hooks/points", "Points in the app", 64),
    ("CustomerRegistered", "https://mail.music.example/welcome", "Welcome letters", 12),
    ("TransactionRegistered", "https://data.music.example/sales", "Sales figures", 40),
    ("CustomerLevelChanged", "https://crm.music.example/hooks/levels", "Levels in the app", 5),
    ("CouponWillExpire", "https://mail.music.example/coupons", "Reminders of coupons", 9),
)
"""Event, URL, description, and how many are sent in a busy hour."""
ASTRAY, HELD = "CouponWillExpire", "CustomerLevelChanged"
BUSY = (1, 1, 1, 1, 1, 1, 2, 4, 8, 12, 14, 15, 17, 15, 13, 14, 16, 19, 20, 18, 13, 8, 4, 2)
"""Of the hours of a day: twentieths of a busy hour."""


@pytest.fixture(scope="module")
def shop(running_pipeline: Pipeline) -> dict[str, str]:
    """The ids of its webhooks, by their events."""
    put(running_pipeline.connection, SETTINGS, {SHOP: encode(replace(STORE, store=SHOP))})
    http, root = running_pipeline.http, f"{running_pipeline.address}/api/{SHOP}"
    until(lambda: http.get(f"{root}/settings").is_success)
    made, now = {}, datetime.now(UTC)
    for days, (event, url, description, _) in enumerate(HOOKS, 40):
        began = now - timedelta(days=days, hours=days)
        body = {"eventName": event, "url": url, "description": description, "activeFrom": began.isoformat()}
        answer = http.post(f"{root}/webhook/subscription", json={"webhookSubscription": body})
        made[event] = str(answer.json()["webhookSubscriptionId"])
    assert http.post(f"{root}/webhook/subscription/{made[HELD]}/pause").is_success
    put(running_pipeline.connection, ENDPOINT_STATUS, {made[ASTRAY]: encode(_astray(made[ASTRAY], now))})
    sent = list(_day(made, now))
    producer = Producer(running_pipeline.connection.producer())
    for attempt in sent:
        value, schema = encode(attempt)
        topic = running_pipeline.connection.topic(ATTEMPTS)
        producer.produce(topic, value, attempt.subscription_id, headers=[(HEADER, schema)])
    assert producer.flush(30) == 0
    _at_work(running_pipeline)
    return made


def _at_work(pipeline: Pipeline) -> None:
    """In another store, for the picture of the whole pipeline: records on every stretch of the way."""
    pipeline.subscribed("at-work")
    for number in range(20):
        pipeline.member(f"at-work-{number}@example.com")
    pipeline.endpoint.await_bodies("at-work", 20)


def _astray(subscription: str, now: datetime) -> EndpointStatus:
    return EndpointStatus(
        subscription_id=subscription,
        store=SHOP,
        state="failing",
        since=now - timedelta(minutes=40),
        failures=31,
        reason="503",
        told_at=now,
    )


def _day(shop: dict[str, str], now: datetime) -> Iterator[Attempt]:
    """The attempts of the last 24 hours; drawn alike each time."""
    draw = random.Random(1997)  # noqa: S311
    for event, _, _, busy in HOOKS:
        for ago in range(23, -1, -1):
            hour = now - timedelta(hours=ago)
            for _ in range(max(1, busy * BUSY[hour.hour] // 20)):
                at = min(hour - timedelta(seconds=draw.randrange(1, 3000)), now)
                fails = event == ASTRAY and at > now - timedelta(minutes=40)
                yield _attempt(draw, shop[event], event, at, fails=fails, until=now)


def _attempt(
    draw: random.Random, subscription: str, event: str, at: datetime, *, fails: bool, until: datetime
) -> Attempt:
    request, delivery, told, member = (str(UUID(int=draw.getrandbits(128), version=4)) for _ in range(4))
    return Attempt(
        request_id=request,
        delivery_id=delivery,
        subscription_id=subscription,
        webhook_event_id=told,
        event_name=event,
        store=SHOP,
        member_id=member,
        number=3 if fails else 1,
        started_at=at,
        duration_ms=draw.randrange(2100, 4800) if fails else draw.randrange(28, 190),
        outcome="retry" if fails else "delivered",
        status=503 if fails else 204,
        error=None,
        next_attempt_at=until + timedelta(minutes=9) if fails else None,
        response="upstream is away" if fails else None,
        error_class="their answer" if fails else None,
    )


def test_the_overview_says_which_endpoint_has_gone_astray(page: Page, shop: dict[str, str]) -> None:
    page.goto(f"/panel/{SHOP}/overview")

    row = page.get_by_role("row").filter(has_text=ASTRAY)
    expect(row).to_contain_text("failing")
    expect(row).to_contain_text("503")
    expect(page.get_by_role("row").filter(has_text=HELD)).to_contain_text("paused")
    # Thousands of attempts: the figures are those of after all this.
    expect(page.locator("svg.flow")).to_contain_text(re.compile(r"\d,\d{3} kept"))
    _taken(page, "readme-overview")


def test_the_list_shows_the_day_of_each_webhook(page: Page, shop: dict[str, str]) -> None:
    page.goto(f"/panel/{SHOP}/webhooks")

    expect(page.locator("#list tbody tr")).to_have_count(len(HOOKS))
    expect(page.locator("#list svg.chart")).to_have_count(len(HOOKS))
    _taken(page, "readme-webhooks")


def _taken(page: Page, name: str) -> None:
    """As much of the page as a window of 1280 × 800 shows."""
    page.set_viewport_size({"width": 1280, "height": 800})
    kept(page, name, whole=False)
    picture = SCREENSHOTS / f"{name}.png"
    assert picture.stat().st_size < LARGEST
    if os.environ.get("KEEP_SCREENSHOTS") == "1":
        COMMITTED.mkdir(exist_ok=True)
        shutil.copy(picture, COMMITTED / f"{name.removeprefix('readme-')}.png")

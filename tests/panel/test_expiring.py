"""Expiring notifications: what is in force, what would be told, and what is saved."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from streams.domain.store import StoreSettings
from tests.api.conftest import START, Door
from tests.panel.conftest import Visitor, employ
from tests.samples import ANNA, BORIS, STORE, add, buy, register, uid
from tests.scenarios.store import SETTINGS

PAGE = "/panel/DEFAULT/expiring"
AS_IN_FORCE = {
    "units": "10",
    "coupons": "5",
    "tiers": "10",
    "choice.default": "store",
    "choice.miles": "store",
}


def in_force(door: Door) -> StoreSettings:
    return door.programme.settings[STORE]


def with_units(door: Door, *days: int) -> None:
    """A member for each, whose units end so many days later."""
    for number, left in enumerate(days, 1):
        door.programme.when(register(uid(number), at=START))
        door.programme.when(add("40", uid(number), at=START, expires_in_days=left))


def test_the_page_says_what_is_in_force_and_has_it_in_its_fields(visitor: Visitor) -> None:
    page = visitor.get(PAGE)

    assert page.status == 200
    assert [page.fields[kind] for kind in ("units", "coupons", "tiers")] == ["10", "5", "10"]
    assert "Before units expire 10 days before" in page.text
    assert "Before a coupon ends 5 days before" in page.text


def test_what_is_saved_is_in_force_at_once_and_recorded(visitor: Visitor) -> None:
    sent = {"units": "7, 30 1;7", "coupons": "", "tiers": "0", "choice.miles": "own", "days.miles": "14"}

    saved = visitor.post(PAGE, **sent, **{"choice.default": "off"})
    page = visitor.get(saved.location)

    assert (saved.status, saved.location) == (303, f"{PAGE}?saved=yes")
    now = in_force(visitor.door)
    assert (now.units_expiring_days, now.coupons_expiring_days, now.tiers_expiring_days) == (
        (30, 7, 1),
        (),
        (),
    )
    assert [w.expiring_days for w in now.wallets] == [(), (14,)]
    assert "Saved. These settings are in force now." in page.text
    assert "Before units expire 30, 7, 1 days before" in page.text
    assert "Before a coupon ends not told" in page.text
    assert "Units in Points not told" in page.text
    assert "Units in Miles 14 days before" in page.text
    assert [(c.who, c.subject) for c in visitor.door.audit.changes] == [("anna", "settings")]


def test_a_wallet_goes_back_to_the_stores_days(door: Door, visitor: Visitor) -> None:
    first, miles = SETTINGS.wallets
    door.programme.settings[STORE] = replace(SETTINGS, wallets=(first, replace(miles, expiring_days=(3,))))

    visitor.post(PAGE, **AS_IN_FORCE)

    assert [w.expiring_days for w in in_force(door).wallets] == [None, None]


@pytest.mark.parametrize(
    ("field", "typed", "problem"),
    [
        ("units", "soon", '"soon" is no number of days: write days from 1 to 36,500, such as 30, 7, 1.'),
        ("coupons", "7, -1", '"-1" is no number of days'),
        ("tiers", "0, 5", "0 is out of range: write days from 1 to 36,500"),
        ("units", "36501", "36,501 is out of range"),
        ("units", " ".join(map(str, range(1, 22))), "These are 21: at most 20."),
        ("units", "1" * 300, "That is too long"),
        ("days.miles", "", "Own days are chosen, and none are given"),
        ("days.miles", "<b>", '"<b>" is no number of days'),
    ],
)
def test_what_is_no_number_of_days_is_said_beside_its_field_and_nothing_is_saved(
    visitor: Visitor, field: str, typed: str, problem: str
) -> None:
    page = visitor.post(PAGE, **AS_IN_FORCE | {"choice.miles": "own", "days.miles": "3", field: typed})

    assert page.status == 400
    assert problem in page.text
    assert page.fields[field] == typed
    assert f'id="{field}" name="{field}"' in page.html
    assert f'aria-describedby="problem-{field.replace(".", "-")}"' in page.html
    assert "There is no preview of settings that are not valid" in page.text
    assert in_force(visitor.door) == SETTINGS


def test_the_preview_counts_who_would_be_told_by_the_settings_in_force(door: Door, visitor: Visitor) -> None:
    with_units(door, 12, 20, 90)
    door.programme.when(register(ANNA.replace("1", "9"), at=START))

    page = visitor.get(PAGE, weeks="2")

    assert "Who would be told in the coming 2 weeks" in page.text
    assert "2 of 4 members would be told, by 2 announcements." in page.text
    told = [row for row in page.rows() if "units in default" in row]
    assert told == [
        f"2025-10-22 23:59:59 {uid(1)} Units 40 units in default 10 2025-11-01 23:59:59",
        f"2025-10-30 23:59:59 {uid(2)} Units 40 units in default 10 2025-11-09 23:59:59",
    ]
    assert page.links[uid(1)] == f"/panel/DEFAULT/members/{uid(1)}"
    assert "22 Oct 1 0 0" in page.rows()
    assert "22 Oct: 1 Units" in page.html


def test_a_preview_of_what_is_typed_changes_nothing_and_can_be_shared(door: Door, visitor: Visitor) -> None:
    with_units(door, 12, 20, 90)
    before = visitor.get(PAGE)

    sent = visitor.post(f"{PAGE}/preview?weeks=4", **AS_IN_FORCE | {"units": "15, 2", "tiers": ""})
    page = visitor.get(sent.location)

    assert sent.status == 303
    assert "form_token" not in sent.location
    assert "With the settings typed above, which are not saved" in page.text
    assert "2 of 3 members would be told, by 4 announcements." in page.text
    assert page.fields["units"] == "15, 2"
    assert "Before units expire 10 days before" in page.text, "what is in force is shown as it is"
    assert "not saved" not in before.text
    assert in_force(door) == SETTINGS


def test_what_the_preview_counts_is_what_is_told_once_it_is_saved(door: Door, visitor: Visitor) -> None:
    with_units(door, 12, 20, 90)
    door.programme.when(add("200", uid(2), at=START), buy(uid(2), at=START))
    typed = AS_IN_FORCE | {"units": "15, 2", "coupons": "25"}
    page = visitor.get(visitor.post(f"{PAGE}/preview", **typed).location)

    visitor.post(PAGE, **typed)
    for day in range(1, 28):
        door.programme.at(START + timedelta(days=day))

    told = [
        name
        for name in ("PointsWillExpire", "CouponWillExpire", "LevelWillExpire")
        for record in door.programme.log["webhook-events"]
        if (record.schema or "").startswith(name)
    ]
    assert told == ["PointsWillExpire", "PointsWillExpire", "CouponWillExpire"]
    assert "by 3 announcements." in page.text


def test_a_preview_that_takes_long_says_how_far_it_is_and_is_looked_at_again(
    door: Door, visitor: Visitor
) -> None:
    with_units(door, 12)
    door.members.go_on.clear()

    first = visitor.get(PAGE)
    door.members.go_on.set()
    second = visitor.get(first.links["Look again"].removesuffix("#preview"))

    assert "Reckoning: 0 members looked at so far." in first.text
    assert 'hx-trigger="every 2s"' in first.html
    assert "1 of 1 members would be told" in second.text
    assert "hx-trigger" not in second.html


def test_a_store_without_members_and_one_where_nothing_ends_say_so(door: Door, visitor: Visitor) -> None:
    empty = visitor.get(PAGE)
    door.programme.when(register(BORIS, at=START))

    assert "This store has no members yet." in empty.text
    door.clock.now += timedelta(minutes=2)
    assert "Nobody would be told anything: nothing ends so soon" in visitor.get(PAGE).text


def test_whoever_may_only_read_sees_the_preview_and_cannot_save(door: Door) -> None:
    employ(door, "reader", scopes=("read",))
    reader = Visitor(door)
    reader.sign_in("reader")

    page = reader.get(PAGE)
    refused = reader.post(PAGE, **AS_IN_FORCE | {"units": "3"})

    assert "Save settings" not in page.text
    assert refused.status == 403
    assert in_force(door) == SETTINGS
    assert reader.post(f"{PAGE}/preview", **AS_IN_FORCE).status == 303


def test_a_form_of_another_session_saves_nothing(visitor: Visitor) -> None:
    page = visitor.post(PAGE, form_token="another", **AS_IN_FORCE | {"units": "3"})

    assert page.status == 403
    assert in_force(visitor.door) == SETTINGS


def test_webhooks_that_nobody_has_subscribed_to_are_named(door: Door, visitor: Visitor) -> None:
    door.subscribed(eventName="PointsWillExpire")
    door.subscribed(eventName="LevelWillExpire")

    page = visitor.get(PAGE)

    assert (
        page.links["add a webhook for CouponWillExpire"]
        == "/panel/DEFAULT/webhooks/new?eventName=CouponWillExpire"
    )
    assert "add a webhook for PointsWillExpire" not in page.text


def test_what_is_typed_into_an_address_is_shown_as_text(visitor: Visitor) -> None:
    page = visitor.get(PAGE, units='"><script>alert(1)</script>', coupons="<img src=x onerror=alert(1)>")

    assert page.status == 400
    assert "<script>alert" not in page.html
    assert "<img src=x" not in page.html
    assert page.fields["coupons"] == "<img src=x onerror=alert(1)>"


def test_who_saves_what_another_has_changed_meanwhile_is_told_and_overwrites_nothing(
    door: Door, visitor: Visitor
) -> None:
    seen = visitor.get(PAGE).fields["revision"]
    visitor.post(PAGE, **AS_IN_FORCE | {"units": "9", "revision": seen})

    page = visitor.post(PAGE, **AS_IN_FORCE | {"units": "5", "revision": seen})

    assert page.status == 412
    assert "settings were changed meanwhile, and nothing of yours was saved" in page.text
    assert (page.fields["units"], in_force(door).units_expiring_days) == ("5", (9,))
    previewed = visitor.post(f"{PAGE}/preview", **AS_IN_FORCE | {"units": "5", "revision": seen})
    assert "changed meanwhile" in visitor.get(previewed.location).text
    visitor.post(PAGE, **AS_IN_FORCE | {"units": "5", "revision": page.fields["revision"]})
    assert in_force(door).units_expiring_days == (5,)

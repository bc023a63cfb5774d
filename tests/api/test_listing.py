"""Lists: filters, operators, order and pages."""

import pytest

from tests.api.conftest import PATH, Door, complaints


@pytest.fixture
def full() -> Door:
    """Subscriptions a to d, one second apart: a was made at 13:18:39."""
    door = Door()
    door.subscribed(url="https://a.example/Shop", eventName="CustomerRegistered")
    door.subscribed(url="https://b.example/shop", eventName="CustomerUpdated", legacy=True)
    door.subscribed(url="https://c.example/", eventName="CustomerUpdated")
    door.subscribed(url="https://d.example/", eventName="PointsWillExpire")
    return door


def letters(door: Door, **query: str) -> str:
    return "".join(item["url"][8] for item in door.get(PATH, **query)["items"])


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        ("url", "https://c.example/", "c"),
        ("url[eq]", "https://C.example/", ""),
        ("url[like]", "SHOP", "ab"),
        ("url[hasValue]", "1", "abcd"),
        ("url[notHasValue]", "1", ""),
        ("eventName", "CustomerUpdated", "bc"),
        ("eventName", "account.expiring_points_notification", "d"),
        ("eventName[like]", "customer", "abc"),
        ("legacy", "true", "b"),
        ("legacy[eq]", "0", "acd"),
        ("createdAt", "2025-10-20T13:18:40+00:00", "b"),
        ("createdAt[gt]", "2025-10-20T13:18:40Z", "cd"),
        ("createdAt[gte]", "2025-10-20T15:18:40+02:00", "bcd"),
        ("createdAt[lt]", "2025-10-20T15:18:40 02:00", "a"),
        ("createdAt[lte]", "2025-10-20T13:18:40", "ab"),
        ("createdAt[gt]", "2025-10-20", "abcd"),
    ],
)
def test_a_filter_keeps_what_it_says(full: Door, parameter: str, value: str, expected: str) -> None:
    assert letters(full, **{parameter: value}) == expected


def test_filters_must_all_hold_and_the_total_says_how_many_do(full: Door) -> None:
    found = full.get(PATH, eventName="CustomerUpdated", legacy="false", _itemsOnPage="1")

    assert [item["url"] for item in found["items"]] == ["https://c.example/"]
    assert found["total"] == {"all": 4, "filtered": 1, "estimated": False}


def test_without_an_order_the_oldest_come_first(full: Door) -> None:
    assert letters(full) == "abcd"


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"_orderBy[url]": "desc"}, "dcba"),
        ({"_orderBy[createdAt]": "DESC"}, "dcba"),
        ({"_orderBy[legacy]": "desc", "_orderBy[url]": "desc"}, "bdca"),
        ({"_orderBy[eventName]": "asc"}, "abcd"),
    ],
)
def test_the_order_asked_for_is_kept(full: Door, order: dict[str, str], expected: str) -> None:
    assert letters(full, **order) == expected


def test_pages_cut_the_list_without_loss(full: Door) -> None:
    pages = [letters(full, _page=str(page), _itemsOnPage="3") for page in (1, 2, 3)]

    assert pages == ["abc", "d", ""]


def test_a_page_has_ten_items_unless_asked_otherwise_and_50_at_most() -> None:
    door = Door()
    for _ in range(51):
        door.subscribed()

    assert len(door.get()["items"]) == 10
    assert len(door.get(PATH, _itemsOnPage="50")["items"]) == 50
    assert door.get()["total"]["all"] == 51


@pytest.mark.parametrize(
    ("parameter", "value", "complaint"),
    [
        ("_page", "0", '"0" must be a whole number from 1'),
        ("_page", "two", '"two" must be'),
        ("_page", "9" * 5000, "must be a whole number"),
        ("_itemsOnPage", "51", "from 1 to 50"),
        ("_itemsOnPage", "٣", "must be a whole number"),
        ("_orderBy[url]", "up", '"up" must be asc or desc'),
        ("_orderBy[name]", "asc", "cannot be ordered by"),
        ("_orderBy", "asc", "cannot be ordered by"),
        ("colour", "blue", "no such parameter; valid: webhookSubscriptionId, eventName, url, legacy"),
        ("url[lk]", "x", "url has no such operator; valid: eq, like"),
        ("legacy[gt]", "true", "legacy has no such operator; valid: eq"),
        ("legacy", "maybe", '"maybe" must be true or false'),
        ("createdAt[gt]", "yesterday", '"yesterday" must be an ISO 8601 instant'),
        ("createdAt", "0001-01-01T00:00:00+14:00", "must lie between 1900-01-01 and 2199-12-31"),
        ("url[like", "x", "no such parameter"),
    ],
)
def test_a_bad_parameter_is_named_with_what_is_valid(
    full: Door, parameter: str, value: str, complaint: str
) -> None:
    answer = full.call("GET", PATH, params={parameter: value})

    assert complaint in complaints(answer)[parameter]

"""An Idempotency-Key: one request of one caller, answered once, by whatever process."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from api.auth.authentication import HEADER, hash_token
from streams.access import Admin, ApiKey
from tests.api.conftest import KEY, START, Door
from tests.api.test_domain import ANNA, ROOT, account, given, opened, post
from tests.api.test_replays import replay as asked_replay
from tests.samples import VOUCHER, uid

SAME = {"Idempotency-Key": "k"}
Bodies = tuple[dict[str, Any], dict[str, Any]]


def requests(member: str) -> dict[str, Bodies]:
    """By path, a body and another one."""

    def points(count: int) -> dict[str, Any]:
        return {"transfer": {"customer": member, "points": count}}

    return {
        "member": (
            {"customer": {"email": "ola@example.com"}},
            {"customer": {"email": "eva@example.com"}},
        ),
        "points/add": (points(10), points(11)),
        "points/spend": (points(5), points(6)),
        "points/block": (points(5), points(6)),
        f"reward/{VOUCHER}/buy": (
            {"customerId": member, "withoutPoints": True},
            {"customerId": member, "withoutPoints": True, "quantity": 2},
        ),
        "customEvent": (
            {"customEvent": {"type": "review", "customer": member}},
            {"customEvent": {"type": "visit", "customer": member}},
        ),
        f"member/{member}/tier": ({"levelId": uid(953)}, {"levelId": uid(952)}),
    }


@pytest.mark.parametrize("path", [p.replace(uid(404), "{member}") for p in requests(uid(404))])
def test_the_same_key_with_another_body_is_refused_and_nothing_is_done(door: Door, path: str) -> None:
    member = opened(door)
    given(door, member, 100)
    here = path.format(member=member)
    body, another = requests(member)[here]
    first = post(door, here, body, **SAME)
    assert first.status_code in (200, 204), first.text
    before = account(door, member), len(door.programme.log["events"])

    refused = post(door, here, another, **SAME)

    assert refused.status_code == 422
    assert "was used for another request" in refused.json()["message"]
    assert (account(door, member), len(door.programme.log["events"])) == before
    assert post(door, here, body, **SAME).content == first.content


def test_the_same_body_written_otherwise_is_the_same(door: Door) -> None:
    member = opened(door)
    headers = {HEADER: KEY, "Content-Type": "application/json", **SAME}
    texts = (
        f'{{"transfer": {{"customer": "{member}", "points": 10}}}}',
        f'{{ "transfer":{{"points":1.0e1,  "customer":"{member}"}} }}',
    )

    first, again = (
        door.call("POST", f"{ROOT}/points/add", content=text.encode(), headers=headers) for text in texts
    )

    assert (first.status_code, again.json()) == (200, first.json())
    assert account(door, member)["activeUnits"] == 10


def test_a_refusal_is_remembered_with_its_body_too(door: Door) -> None:
    member = opened(door)
    body = {"transfer": {"customer": member, "points": 10}}
    assert post(door, "points/spend", body, **SAME).status_code == 400

    other = {"transfer": {"customer": member, "points": 11}}

    assert post(door, "points/spend", other, **SAME).status_code == 422


def token_of(door: Door, number: int) -> str:
    """Of an API key of an admin's own."""
    admin = Admin(
        admin_id=uid(700 + number),
        username=f"admin {number}",
        password="",
        created_at=START,
        tokens_since=START,
    )
    token = f"token {number}"
    key = ApiKey(
        api_key_id=uid(710 + number),
        admin_id=admin.admin_id,
        name="till",
        digest=hash_token(token),
        created_at=START,
    )
    door.principals.put_admin(admin.admin_id, admin)
    door.principals.put_key(key.api_key_id, key)
    return token


def test_the_same_key_of_another_caller_is_another_command() -> None:
    door = Door()
    member = opened(door)
    body = {"transfer": {"customer": member, "points": 10}}
    tokens = [KEY, token_of(door, 1), token_of(door, 2)]

    answers = [post(door, "points/add", body, **SAME, **{HEADER: token}) for token in tokens]

    assert len({answer.json()["transferId"] for answer in answers}) == 3
    assert account(door, member)["activeUnits"] == 30


def test_two_at_the_same_moment_are_done_once(door: Door) -> None:
    member = opened(door)
    door.programme.asleep = True
    body = {"transfer": {"customer": member, "points": 10}}

    async def both() -> list[httpx.Response]:
        transport = httpx.ASGITransport(door.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            calls = [
                asyncio.create_task(
                    client.post(f"{ROOT}/points/add", json=sent, headers={HEADER: KEY, **SAME})
                )
                for sent in (body, body, {"transfer": {"customer": member, "points": 9}})
            ]
            while len(door.programme.slept) < 2:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0)
            door.programme.wake()
            return list(await asyncio.gather(*calls))

    first, again, other = asyncio.run(both())

    assert (first.status_code, again.json(), other.status_code) == (200, first.json(), 422)
    assert account(door, member)["activeUnits"] == 10


def test_a_replay_is_not_begun_for_another_wish_under_the_same_key(door: Door) -> None:
    to = door.subscribed()
    first = asked_replay(door, to, key="k")
    assert first.status_code == 202

    assert asked_replay(door, to, key="k").json()["replayId"] == first.json()["replayId"]
    assert asked_replay(door, to, key="k", rate=7).status_code == 422
    order = door.replays.orders.order(first.json()["replayId"])
    assert order
    # Of an order of before there were fingerprints it is not known.
    door.replays.orders.put(order.replay_id, replace(order, fingerprint=""))
    assert asked_replay(door, to, key="k", rate=7).status_code == 202


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("member", {"customer": {**ANNA, "firstName": "half \ud800"}}, "customer.firstName"),
        (
            "customEvent",
            {"customEvent": {"type": "review", "customer": "{member}", "body": {"a": "\ud800"}}},
            "customEvent.body.a",
        ),
    ],
)
def test_what_no_record_can_hold_is_refused_by_its_field(
    door: Door, path: str, body: dict[str, Any], field: str
) -> None:
    member = opened(door, email="first@example.com")
    if "customEvent" in body:
        body["customEvent"]["customer"] = member
    appended = len(door.programme.log["commands"])
    text = json.dumps(body).encode()
    headers = {HEADER: KEY, "Content-Type": "application/json"}

    answer = door.call("POST", f"{ROOT}/{path}", content=text, headers=headers)

    assert answer.status_code == 400, answer.text
    assert [error["path"] for error in answer.json()["errors"]] == [field]
    assert len(door.programme.log["commands"]) == appended

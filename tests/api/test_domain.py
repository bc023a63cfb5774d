"""Commands through the REST door: each is handled by the real stages, and answered with what came of it."""

from typing import Any

import httpx
import pytest

from streams.domain.commands import SpendUnits, UpdateMember
from streams.domain.events import ActivationCodeIssued, PasswordResetIssued, RewardBought
from streams.domain.state import Member
from tests.api.conftest import Door, complaints
from tests.samples import VOUCHER, uid
from tests.scenarios.store import GOLD, STATUS

ROOT = "/api/DEFAULT"
ANNA = {"firstName": "Anna", "email": "anna@example.com", "phone": "+48 600 100 200"}
NOBODY = uid(404)


def post(door: Door, path: str, body: object = None, **headers: str) -> httpx.Response:
    key = {"X-AUTH-TOKEN": "a-key-for-tests"}
    return door.call("POST", f"{ROOT}/{path}", json=body, headers=key | headers)


def opened(door: Door, **customer: object) -> str:
    answer = post(door, "member", {"customer": customer or ANNA})
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["customerId"]
    return found


def given(door: Door, member: str, points: object = 100, **more: object) -> str:
    answer = post(door, "points/add", {"transfer": {"customer": member, "points": points, **more}})
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["transferId"]
    return found


def account(door: Door, member: str, **query: str) -> Any:
    items = door.get(f"{ROOT}/member/{member}/wallet", **query)["items"]
    return next(item["account"] for item in items if item["walletType"]["code"] == "default")


@pytest.mark.parametrize("name", ["{id}", "email=Anna@Example.com", "phone=+48600100200"])
def test_a_member_is_read_as_it_was_registered_by_whatever_it_is_known_by(door: Door, name: str) -> None:
    member = opened(door)

    found = door.get(f"{ROOT}/member/{name.format(id=member)}")

    assert (found["customerId"], found["firstName"], found["status"]) == (member, "Anna", "active")


def test_what_is_another_members_is_a_conflict(door: Door) -> None:
    opened(door)

    answer = post(door, "member", {"customer": {"email": "anna@example.com"}})

    assert answer.status_code == 409
    assert answer.json()["errors"][0]["path"] == "customer.email"
    assert "another member's already" in answer.json()["errors"][0]["message"]


def test_a_member_that_there_is_not_is_a_404_in_the_path_and_named_in_a_body(door: Door) -> None:
    assert door.call("GET", f"{ROOT}/member/{NOBODY}").status_code == 404
    assert door.call("GET", f"{ROOT}/member/email=nobody@example.com").status_code == 404
    assert post(door, f"member/{NOBODY}/deactivate").status_code == 404
    answer = post(door, "points/spend", {"transfer": {"customer": NOBODY, "points": 1}})
    assert list(complaints(answer)) == ["transfer.customer"]


def test_a_store_that_there_is_not_is_a_404(door: Door) -> None:
    answer = door.call("POST", "/api/NOWHERE/member", json={"customer": ANNA})

    assert answer.status_code == 404


def test_a_member_registers_and_is_activated_with_the_code_that_was_sent(door: Door) -> None:
    member = post(door, "member/register", {"customer": ANNA}).json()["customerId"]

    assert door.get(f"{ROOT}/member/{member}")["active"] is False
    assert post(door, f"member/{member}/activate", {"code": "wrong"}).status_code == 400
    assert post(door, "member/resend-code", {"phone": "+48600100200"}).status_code == 204
    assert post(door, f"member/{member}/send-code").status_code == 204
    code = door.programme.facts(ActivationCodeIssued)[-1].code
    assert post(door, f"member/{member}/activate", {"code": code}).status_code == 204
    assert door.get(f"{ROOT}/member/{member}")["active"] is True
    assert post(door, f"member/{member}/activate").status_code == 409
    assert post(door, "member/password/reset/request", {"username": "anna@example.com"}).status_code == 204
    assert len(door.programme.facts(PasswordResetIssued)) == 1


def test_a_code_follows_from_nothing_that_a_client_chooses(door: Door) -> None:
    answer = post(door, "member/register", {"customer": ANNA}, **{"Idempotency-Key": "anna"})

    assert "Idempotency-Key" in complaints(answer)


def test_a_profile_is_replaced_whole_and_the_same_again_changes_nothing(door: Door) -> None:
    member = opened(door)

    for _ in range(2):
        answer = door.call("PUT", f"{ROOT}/member/{member}", json={"customer": {"lastName": "Nowak"}})
        assert answer.status_code == 204, answer.text

    found = door.get(f"{ROOT}/member/{member}")
    assert (found["firstName"], found["lastName"], found["email"]) == (None, "Nowak", None)
    assert door.call("GET", f"{ROOT}/member/email=anna@example.com").status_code == 404


def test_an_account_is_closed_once(door: Door) -> None:
    member = opened(door)

    assert post(door, f"member/{member}/deactivate").status_code == 204
    assert post(door, f"member/{member}/deactivate").status_code == 409
    assert post(door, "points/spend", {"transfer": {"customer": member, "points": 1}}).status_code == 409


def test_a_tier_is_assigned_by_hand_and_given_back_to_the_rules(door: Door) -> None:
    member = opened(door)

    assert post(door, f"member/{member}/tier", {"levelId": GOLD}).status_code == 204
    (found,) = door.get(f"{ROOT}/member/{member}/tier")["items"]
    assert (found["currentTier"]["name"], found["nextTier"], found["manually"]) == ("Gold", None, True)
    assert post(door, f"member/{member}/tier", {"levelId": NOBODY}).status_code == 400
    manual = {"tierSetId": STATUS.tier_set_id}
    assert post(door, f"member/{member}/remove-manually-level", manual).status_code == 204
    (found,) = door.get(f"{ROOT}/member/{member}/tier")["items"]
    assert (found["currentTier"]["name"], found["nextTier"]["name"]) == ("Bronze", "Silver")


def test_units_are_given_spent_and_blocked_and_the_wallet_says_so(door: Door) -> None:
    member = opened(door)
    given(door, member, 100.25, comment="welcome")

    spend = post(door, "points/spend", {"transfer": {"customer": "email=anna@example.com", "points": 30}})
    block = post(door, "points/block", {"transfer": {"customer": member, "points": 20}})

    assert spend.status_code == 200
    assert account(door, member)["activeUnits"] == 50.25
    assert account(door, member)["spentUnits"] == 30
    assert account(door, member)["blockedUnits"] == 20
    assert post(door, f"points/{block.json()['transferId']}/cancel").status_code == 204
    assert account(door, member)["activeUnits"] == 70.25
    (lot,) = door.get(f"{ROOT}/member/{member}/lot")["items"]
    assert (lot["units"], lot["remainingUnits"]) == (100.25, 70.25)


def test_more_than_there_is_cannot_be_spent(door: Door) -> None:
    member = opened(door)

    answer = post(door, "points/spend", {"transfer": {"customer": member, "points": 5}})

    assert complaints(answer) == {
        "transfer.points": "\"5\" is more than the 0 available in wallet 'default'."
    }


@pytest.mark.parametrize("points", [0, -1, 1e12, 0.0000001, "NaN", "many", True, None, [], 1e400])
def test_an_amount_that_no_wallet_could_hold_is_refused_before_it_is_sent(door: Door, points: object) -> None:
    member = opened(door)
    before = len(door.programme.log["commands"])

    body = '{"transfer": {"customer": "%s", "points": %s}}'
    text = {"1e+400": "1e400"}.get(str(points)) or __import__("json").dumps(points).replace(
        "Infinity", "1e400"
    )
    answer = door.call(
        "POST",
        f"{ROOT}/points/add",
        content=body % (member, text),
        headers={"X-AUTH-TOKEN": "a-key-for-tests", "Content-Type": "application/json"},
    )

    assert "transfer.points" in complaints(answer)
    assert len(door.programme.log["commands"]) == before


def test_pending_units_are_activated_expired_and_cancelled_by_their_transfer(door: Door) -> None:
    member = opened(door)
    pending = given(door, member, 10, lockedUntilDays=3)
    (row,) = door.get(f"{ROOT}/member/{member}/transfer")["items"]

    assert (row["transferId"], row["pending"]) == (pending, True)
    assert post(door, f"points/{pending}/activate").status_code == 204
    assert account(door, member)["activeUnits"] == 10
    assert post(door, f"points/{pending}/activate").status_code == 400
    expiring = given(door, member, 5, expiresInDays=10)
    assert post(door, f"points/{expiring}/expire").status_code == 204
    assert account(door, member)["expiredUnits"] == 5
    assert post(door, f"points/{expiring}/expire").status_code == 404
    assert post(door, f"points/{uid(9)}/cancel").status_code == 404


def test_units_reach_the_other_member_before_the_answer(door: Door) -> None:
    anna, boris = opened(door), opened(door, email="boris@example.com")
    given(door, anna)
    moving = {"sender": anna, "receiver": "email=boris@example.com", "points": 40}

    answer = post(door, "points/transfer", {"transfer": moving})

    assert answer.status_code == 200
    assert (account(door, anna)["activeUnits"], account(door, boris)["activeUnits"]) == (60, 40)


def test_units_that_the_other_cannot_take_are_refused_with_the_reason(door: Door) -> None:
    anna, boris = opened(door), opened(door, email="boris@example.com")
    given(door, anna)
    post(door, f"member/{boris}/deactivate")

    answer = post(door, "points/transfer", {"transfer": {"sender": anna, "receiver": boris, "points": 40}})

    assert "is no active member" in complaints(answer)["transfer.receiver"]
    assert account(door, anna)["spendableUnits"] == 100


def purchase(number: str, **customer: str) -> dict[str, Any]:
    item = {"sku": {"code": "CD"}, "name": "Disc", "quantity": 1, "grossValue": 20}
    return {
        "transaction": {
            "header": {"documentNumber": number, "purchasedAt": "2025-10-20T12:00:00+02:00"},
            "items": [item],
            "customerData": customer,
        }
    }


def test_a_purchase_finds_its_member_and_a_number_is_recorded_once(door: Door) -> None:
    member = opened(door)

    first = post(door, "transaction", purchase("R-1", email="anna@example.com"))
    again = post(door, "transaction", purchase("R-1"))

    assert first.status_code == 200
    assert account(door, member)["earnedUnits"] == 200
    assert (again.status_code, again.json()["errors"][0]["path"]) == (
        409,
        "transaction.header.documentNumber",
    )


def test_a_purchase_is_matched_by_hand_once(door: Door) -> None:
    member = opened(door)
    recorded = post(door, "transaction", purchase("R-2")).json()["transactionId"]
    assign = {"assign": {"transactionDocumentNumber": "R-2", "customerPhoneNumber": "+48600100200"}}

    answer = post(door, "transaction/assign", assign)

    assert answer.json() == {"transactionId": recorded, "customerId": member}
    assert "is matched already" in str(complaints(post(door, "transaction/assign", assign)))
    assert account(door, member)["earnedUnits"] == 200


@pytest.mark.parametrize("whom", [{}, {"customerId": uid(1), "customerEmail": "anna@example.com"}])
def test_whom_a_match_is_for_is_said_in_one_way(door: Door, whom: dict[str, str]) -> None:
    answer = post(door, "transaction/assign", {"assign": {"transactionDocumentNumber": "R-1", **whom}})

    assert "assign" in complaints(answer)


def test_a_match_that_the_member_cannot_take_is_refused(door: Door) -> None:
    member = opened(door)
    post(door, f"member/{member}/deactivate")
    post(door, "transaction", purchase("R-3"))

    answer = post(
        door, "transaction/assign", {"assign": {"transactionDocumentNumber": "R-3", "customerId": member}}
    )

    assert answer.status_code == 409
    assert answer.json()["errors"][0]["path"] == "assign.customerId"


def test_a_reward_is_bought_once_for_each_and_its_coupon_used_and_used_again(door: Door) -> None:
    member = opened(door)
    given(door, member, 200)

    bought = post(door, f"reward/{VOUCHER}/buy", {"customerId": member, "quantity": 2}).json()
    rewards = door.get(f"{ROOT}/member/{member}/reward")["items"]

    assert sorted(one["issuedRewardId"] for one in bought) == sorted(r["issuedRewardId"] for r in rewards)
    assert account(door, member)["activeUnits"] == 0
    assert "cost" in str(complaints(post(door, f"reward/{VOUCHER}/buy", {"customerId": member})))
    code = {"couponCode": rewards[0]["issuedCoupon"]["code"]}
    used = post(door, f"member/{member}/reward/redeem", code)
    assert used.json() == {"code": code["couponCode"], "used": True, "customerId": member}
    assert "was used at" in complaints(post(door, f"member/{member}/reward/redeem", code))["couponCode"]
    assert post(door, f"member/{member}/reward/reissue", code).json()["used"] is False
    free = post(door, f"reward/{VOUCHER}/buy", {"customerId": member, "withoutPoints": True})
    assert free.status_code == 200
    assert door.programme.facts(RewardBought)[-1].cost == 0


def test_a_redemption_is_followed_by_its_id(door: Door) -> None:
    member = opened(door)
    (one,) = post(door, f"reward/{VOUCHER}/buy", {"customerId": member, "withoutPoints": True}).json()
    path = f"redemption/{one['issuedRewardId']}"

    assert post(door, f"{path}/status", {"status": "shipped", "comment": "by post"}).status_code == 204
    assert door.get(f"{ROOT}/member/{member}/reward")["items"][0]["status"] == "shipped"
    assert post(door, f"{path}/cancel").status_code == 204
    assert post(door, f"{path}/status", {"status": "lost"}).status_code == 400
    assert post(door, f"redemption/{NOBODY}/cancel").status_code == 404


def test_a_custom_event_sets_a_campaign_off(door: Door) -> None:
    member = opened(door)
    event = {"type": "review", "customer": member, "body": {"stars": "5"}}

    assert post(door, "customEvent", {"customEvent": event}).status_code == 200

    found = door.get(f"{ROOT}/member/{member}")
    assert {"key": "critic", "value": "yes"} in found["customAttributes"]


def test_the_same_key_again_changes_nothing_and_is_answered_the_same(door: Door) -> None:
    member = opened(door)
    body = {"transfer": {"customer": member, "points": 10}}

    first, again = (post(door, "points/add", body, **{"Idempotency-Key": "k"}) for _ in range(2))
    other = post(door, "points/add", body, **{"Idempotency-Key": "other"})

    assert first.json() == again.json() != other.json()
    assert account(door, member)["activeUnits"] == 20


def test_a_refusal_is_answered_the_same_for_the_same_key(door: Door) -> None:
    member = opened(door)
    body = {"transfer": {"customer": member, "points": 10}}
    refused = post(door, "points/spend", body, **{"Idempotency-Key": "k"})
    given(door, member)

    again = post(door, "points/spend", body, **{"Idempotency-Key": "k"})

    assert again.json() == refused.json()
    assert again.status_code == 400


def test_what_is_not_decided_in_time_is_answered_with_where_to_ask() -> None:
    door = Door(wait=0.05)
    member = opened(door)
    door.programme.asleep = True

    late = post(door, "points/spend", {"transfer": {"customer": member, "points": 10}})

    assert late.status_code == 202
    address = late.headers["Location"]
    assert door.get(address) == {"commandId": late.json()["commandId"], "status": "pending"}
    door.programme.wake()
    assert door.get(address)["status"] == "refused"
    assert door.get(address)["field"] == "units"


def test_a_command_of_another_store_is_nobodys_business(door: Door) -> None:
    member = opened(door)
    command_id = door.programme.state(f"DEFAULT/{member}").get(Member)
    assert command_id is not None

    mine = door.get(f"{ROOT}/command/{command_id.command_id}")
    other = door.get(f"/api/OTHER/command/{command_id.command_id}")

    assert (mine["status"], other["status"]) == ("accepted", "pending")


def test_no_more_commands_are_taken_than_may_wait() -> None:
    door = Door(most=0)

    answer = post(door, "member", {"customer": ANNA})

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")
    assert door.programme.log["commands"] == []


def test_what_could_not_be_written_is_a_503(door: Door) -> None:
    door.programme.away = True

    answer = post(door, "member", {"customer": ANNA})

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


def test_a_balance_of_the_past_is_made_again_from_the_facts(door: Door) -> None:
    member = opened(door)
    given(door, member, 100)
    then = door.programme.now
    door.programme.at(then.replace(day=25))
    post(door, "points/spend", {"transfer": {"customer": member, "points": 40}})

    assert account(door, member)["activeUnits"] == 60
    assert account(door, member, at="2025-10-24T00:00:00Z")["activeUnits"] == 100
    assert account(door, member, at="2025-10-26T00:00:00Z")["activeUnits"] == 60
    before = door.call("GET", f"{ROOT}/member/{member}/wallet", params={"at": "2025-01-01"})
    assert before.status_code == 404


def test_a_past_among_too_many_facts_is_refused_with_the_reason(door: Door) -> None:
    member = opened(door)
    door.programme.facts_allowed = 0

    answer = door.call("GET", f"{ROOT}/member/{member}/wallet", params={"at": "2025-10-24T00:00:00Z"})

    assert "more facts than may be read" in complaints(answer)["at"]


def test_lead_times_are_read_and_set(door: Door) -> None:
    assert door.get(f"{ROOT}/settings")["settings"] == {
        "expirePointsNotificationDays": 10,
        "expireCouponsNotificationDays": 5,
        "expireLevelsNotificationDays": 10,
    }

    answer = door.call(
        "PATCH",
        f"{ROOT}/settings",
        json={"settings": {"expirePointsNotificationDays": [7, 30], "expireLevelsNotificationDays": None}},
    )

    assert answer.json()["settings"] == {
        "expirePointsNotificationDays": [7, 30],
        "expireCouponsNotificationDays": 5,
        "expireLevelsNotificationDays": None,
    }
    assert door.programme.settings["DEFAULT"].units_expiring_days == (7, 30)


@pytest.mark.parametrize("off", [0, [], None])
def test_no_days_mean_that_nobody_is_told(door: Door, off: object) -> None:
    body = {"settings": {"expirePointsNotificationDays": off}}

    assert door.call("PATCH", f"{ROOT}/settings", json=body).status_code == 200

    assert door.programme.settings["DEFAULT"].units_expiring_days == ()


def test_a_wallet_has_days_of_its_own_until_it_has_those_of_the_others_again(door: Door) -> None:
    def told(days: object) -> object:
        body = {"settings": {"expirePointsNotificationDaysByWallet": {"miles": days}}}
        answer = door.call("PATCH", f"{ROOT}/settings", json=body)
        return answer.json()["settings"].get("expirePointsNotificationDaysByWallet")

    assert told([30, 1]) == {"miles": [30, 1]}
    assert door.programme.settings["DEFAULT"].units_lead_times("miles") == (30, 1)
    assert told(0) == {"miles": []}
    assert told(None) is None
    assert door.programme.settings["DEFAULT"].units_lead_times("miles") == (10,)


def test_days_of_a_wallet_that_is_not_there_are_refused(door: Door) -> None:
    body = {"settings": {"expirePointsNotificationDaysByWallet": {"gems": 3}}}

    answer = door.call("PATCH", f"{ROOT}/settings", json=body)

    reason = 'There is no wallet "gems"; valid: default, miles'
    assert complaints(answer) == {"settings.expirePointsNotificationDaysByWallet.gems": reason}


def test_a_campaign_is_added_read_and_acts(door: Door) -> None:
    welcome = {
        "name": "A visit",
        "trigger": "custom_event",
        "event": "visit",
        "effects": [{"type": "give_points", "points": 2.5}],
    }
    made = post(door, "campaign", {"campaign": welcome}).json()["campaignId"]
    member = opened(door)

    post(door, "customEvent", {"customEvent": {"type": "visit", "customer": member}})

    assert account(door, member)["activeUnits"] == 2.5
    assert door.get(f"{ROOT}/campaign/{made}")["effects"][0]["points"] == 2.5
    assert made in [c["campaignId"] for c in door.get(f"{ROOT}/campaign", _itemsOnPage="50")["items"]]
    nothing = post(door, "campaign", {"campaign": {"name": "Nothing"}})
    assert "effects must hold at least one" in complaints(nothing)["campaign"]
    assert complaints(post(door, "campaign", {"campaign": {"name": 1}})).keys() == {"campaign.name"}


def test_each_request_is_one_command(door: Door) -> None:
    member = opened(door)
    given(door, member)
    door.call("PUT", f"{ROOT}/member/{member}", json={"customer": {}})
    post(door, "points/spend", {"transfer": {"customer": member, "points": 1}})

    schemas = [record.schema for record in door.programme.log["commands"]]
    assert schemas.count(f"{UpdateMember.__name__}.v1") == 1
    assert schemas.count(f"{SpendUnits.__name__}.v2") == 1

"""What clients read of a member: the contract's names, exact numbers."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from fastapi.responses import Response

from api.contract.profiles import customer_of
from streams.derived.balance import wallet_id
from streams.domain.ledger import get_account
from streams.domain.state import Account, Held, IssuedReward, Lot, Member, PendingLot, State, Transfer
from streams.domain.store import StoreSettings
from streams.domain.tier import get_standing, measure_progress
from streams.domain.tier_set import Tier, TierSet
from streams.domain.values import plain_decimal
from streams.webhooks.parts import iso_instant

_JSON = msgspec.json.Encoder(decimal_format="number")
JsonRow = dict[str, Any]


def exact_json(body: object, headers: Mapping[str, str] | None = None) -> Response:
    """JSON whose decimals are numbers with all their digits."""
    return Response(_JSON.encode(body), media_type="application/json", headers=headers)


def member_row(member_id: str, member: Member, store: StoreSettings) -> JsonRow:
    return {
        "customerId": member_id,
        "active": member.status == "active",
        "status": member.status,
        "registeredAt": iso_instant(member.registered_at),
        "erasedAt": iso_instant(member.erased_at),
        **customer_of(member.profile, store.calendar),
    }


def wallet_rows(member_id: str, state: State, store: StoreSettings) -> Iterator[JsonRow]:
    for code in wallet_codes(state, store):
        yield {
            "walletId": wallet_id(store.store, member_id, code),
            "walletType": _wallet_type(store, code),
            "account": _counters(get_account(state, code)),
        }


def wallet_codes(state: State, store: StoreSettings) -> list[str]:
    """Of each active wallet type, and of each other one that the member has had units of."""
    codes = [wallet.code for wallet in store.wallets if wallet.active]
    return [*codes, *(a.wallet for a in state.scan(Account) if a.wallet not in codes)]


def _wallet_type(store: StoreSettings, code: str) -> JsonRow:
    wallet = store.wallet_type(code)
    return {"walletTypeId": wallet.wallet_type_id, "code": code, "name": wallet.name, "active": wallet.active}


def _counters(sums: Account) -> dict[str, Decimal]:
    return {
        "activeUnits": plain_decimal(sums.available),
        "spendableUnits": plain_decimal(sums.spendable),
        "earnedUnits": plain_decimal(sums.earned),
        "spentUnits": plain_decimal(sums.spent),
        "expiredUnits": plain_decimal(sums.expired),
        "lockedUnits": plain_decimal(sums.pending),
        "blockedUnits": plain_decimal(sums.blocked),
        "transferredUnits": plain_decimal(sums.sent),
        "receivedUnits": plain_decimal(sums.received),
        "cancelledUnits": plain_decimal(sums.cancelled),
        "returnedUnits": plain_decimal(sums.returned),
        "owedUnits": plain_decimal(sums.owed),
    }


def lot_rows(lots: Iterable[Lot]) -> Iterator[JsonRow]:
    for lot in lots:
        yield {
            "transferId": lot.lot_id,
            "walletCode": lot.wallet,
            "units": plain_decimal(lot.units),
            "remainingUnits": plain_decimal(lot.remaining),
            "createdAt": iso_instant(lot.earned_at),
            "expiresAt": iso_instant(lot.expires_at),
        }


def transfer_rows(state: State) -> Iterator[JsonRow]:
    """Transfers that something can still be done about: that gave units, pending ones, blocking ones."""
    for given in state.scan(Transfer):
        place = given.place
        yield _transfer(place.lot_id, "adding", given.wallet, place.units, expires_at=place.expires_at)
    for pending in state.scan(PendingLot):
        lot = pending.lot
        yield _transfer(
            lot.lot_id,
            "adding",
            lot.wallet,
            lot.units,
            expires_at=lot.expires_at,
            locked_until=pending.unlocks_at,
        )
    for held in state.scan(Held):
        kind = "blocked" if held.purpose == "blocked" else "p2p_spending"
        yield _transfer(held.transfer_id, kind, held.wallet, held.units, comment=held.comment)


def _transfer(
    transfer_id: str,
    kind: str,
    wallet: str,
    units: Decimal,
    *,
    expires_at: datetime | None = None,
    locked_until: datetime | None = None,
    comment: str | None = None,
) -> JsonRow:
    return {
        "transferId": transfer_id,
        "type": kind,
        "walletCode": wallet,
        "value": plain_decimal(units),
        "pending": locked_until is not None,
        "expiresAt": iso_instant(expires_at),
        "lockedUntil": iso_instant(locked_until),
        "comment": comment,
    }


def coupon_rows(rewards: Iterable[IssuedReward]) -> Iterator[JsonRow]:
    for reward in rewards:
        coupon = reward.coupon
        yield {
            "issuedRewardId": reward.issued_reward_id,
            "rewardId": reward.reward_id,
            "name": reward.reward_name,
            "rewardType": reward.reward_type,
            "status": reward.status,
            "costInPoints": plain_decimal(reward.cost),
            "redemptionDate": iso_instant(reward.issued_at),
            "usedAt": iso_instant(reward.used_at),
            "expired": reward.expired,
            "issuedCoupon": coupon
            and {
                "code": coupon.code,
                "value": plain_decimal(coupon.value),
                "valueType": coupon.value_type,
                "activeFrom": iso_instant(coupon.active_from),
                "activeTo": iso_instant(coupon.active_to),
            },
        }


def tier_rows(state: State, store: StoreSettings, now: datetime) -> Iterator[JsonRow]:
    """Renders the member's progress in each active tier set."""
    for tiers in store.tier_sets:
        if tiers.active:
            yield _tier(state, tiers, store, now)


def _tier(state: State, tiers: TierSet, store: StoreSettings, now: datetime) -> JsonRow:
    standing = get_standing(state, tiers)
    position = tiers.position(standing.level_id if standing else None)
    values = measure_progress(state, tiers, standing, now, store)
    return {
        "tierSetId": tiers.tier_set_id,
        "tierSetName": tiers.name,
        "currentTier": _level(tiers.tiers[position]) if position >= 0 else None,
        "nextTier": _level(tiers.tiers[position + 1]) if position + 1 < len(tiers.tiers) else None,
        "since": iso_instant(standing.since) if standing else None,
        "manually": bool(standing and standing.floor_id),
        "downgrade": tiers.downgrade,
        "nextRecalculationAt": iso_instant(standing.recalculated_at) if standing else None,
        "progress": [
            {"conditionId": c.condition_id, "attribute": c.measure, "value": plain_decimal(value)}
            for c, value in zip(tiers.conditions, values, strict=True)
        ],
    }


def _level(tier: Tier) -> JsonRow:
    return {
        "levelId": tier.level_id,
        "name": tier.name,
        "minimalValues": [plain_decimal(least) for least in tier.thresholds],
    }

"""Refused commands and poison records in memory."""

import asyncio

from streams.projections.failure_log import (
    FailureFilter,
    FailureId,
    FoundFailure,
    fits_poison,
    fits_refusal,
)
from streams.rejections import CommandRejected, PoisonRecord


class FailuresInMemory:
    """The last one of each is the newest."""

    def __init__(self) -> None:
        self.refused: list[CommandRejected] = []
        self.poisoned: list[PoisonRecord] = []

    async def refusals(self, wanted: FailureFilter, most: int) -> list[FoundFailure[CommandRejected]]:
        await asyncio.sleep(0)
        found = [FoundFailure(FailureId(0, n), one) for n, one in enumerate(self.refused)]
        fitting = [one for one in found if one.record.store == wanted.store and fits_refusal(one, wanted)]
        return fitting[::-1][:most]

    async def poison(self, wanted: FailureFilter, most: int) -> list[FoundFailure[PoisonRecord]]:
        await asyncio.sleep(0)
        found = [FoundFailure(FailureId(0, n), one) for n, one in enumerate(self.poisoned)]
        of_store = f"{wanted.store}/".encode()
        fitting = [
            one
            for one in found
            if (wanted.store is None or (one.record.key or b"").startswith(of_store))
            and fits_poison(one, wanted)
        ]
        return fitting[::-1][:most]

    def reset(self) -> None:
        self.refused.clear()
        self.poisoned.clear()

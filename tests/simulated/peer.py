"""Endpoints on the simulated clock: some answers are errors, late or lost, while calls go wrong."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

import msgspec

from connectors.http.endpoint_auth import Certificate
from connectors.http.receiver import LogLine
from connectors.http.sender import MAX_BODY_BYTES, Answer
from tests.simulated.calls import Faults
from tests.simulated.cluster import BEGAN_AT
from tests.simulated.hub import Hub

REFUSES, FAILS, LOSES, SLOW = 0.03, 0.05, 0.03, 0.05
"""Chances of a connection refused, of a 500, of an answer that never comes, and of one after seconds."""


class Peer:
    """A sender and all endpoints behind it. `received` is what the crash harness's receiver would log."""

    def __init__(self, hub: Hub, faults: Faults) -> None:
        self.received: list[LogLine] = []
        self._rng = hub.rng("peer")
        self._hub = hub
        self._faults = faults

    async def send(
        self,
        url: str,  # noqa: ARG002 - as the port has it
        headers: Mapping[str, str],  # noqa: ARG002
        body: bytes,
        *,
        certificate: Certificate | None = None,  # noqa: ARG002
        most: int = MAX_BODY_BYTES,  # noqa: ARG002
    ) -> Answer:
        chance = self._rng.random() if self._faults.on else 1.0
        await asyncio.sleep(self._rng.uniform(0.001, 0.02))
        if chance < REFUSES:
            return Answer(None, "refused", "before sending", "", None, 5)
        status = 500 if chance < REFUSES + FAILS else 200
        self._log(body, status)
        rest = chance - REFUSES - FAILS
        if 0 <= rest < LOSES + SLOW:
            await asyncio.sleep(self._rng.uniform(0.5, 4.0))
        if 0 <= rest < LOSES:
            return Answer(None, "no answer", "after sending", "", None, 4000)
        return Answer(status, None, None, "", None, 10)

    def _log(self, body: bytes, status: int) -> None:
        sent = msgspec.json.decode(body)
        id_, name = sent.get("messageId"), sent.get("eventName") or sent.get("type")
        self._hub.note(f"endpoint: {name} {id_} gets {status}")
        now: datetime = BEGAN_AT
        self.received.append(LogLine(id_, name, None, now, status))

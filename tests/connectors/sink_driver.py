"""The sink stage on a log in memory, driven by tests: deliveries arrive, time passes, requests go out."""

import asyncio
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import msgspec
from msgspec.structs import replace

from connectors.http.attempt import SinkPorts
from connectors.http.attempt_sender import AttemptSender
from connectors.http.endpoint import Endpoint
from connectors.http.endpoint_health import EndpointPolicy
from connectors.http.sender import Sender
from connectors.http.sink import SinkStage
from streams.codec.avro import HEADER, encode
from streams.delivery.records import Attempt, DeadLetter, Delivery, EndpointStatus, Subscription
from streams.delivery.subscription import Subscriptions
from streams.domain.values import Value
from streams.secrets.sealing import SecretSealer
from streams.stages.context import Output, Record, StageContext
from streams.tables.store import MemoryStore, Store
from streams.tables.tables import Tables, table_families
from streams.topics import DELIVERIES
from tests.connectors.fakes import FakeSender
from tests.samples import ANNA, NOON, STORE, subscription, uid

FIRST = replace(subscription("CustomerRegistered", number=500), url="http://one.test/hook")
SECOND = replace(subscription("CustomerRegistered", number=501), url="http://two.test/hook")


def delivery(number: int, member: str = ANNA, to: str = FIRST.subscription_id) -> Delivery:
    return Delivery(
        delivery_id=uid(number),
        subscription_id=to,
        webhook_event_id=uid(900_000 + number),
        event_name="CustomerRegistered",
        store=STORE,
        member_id=member,
        created_at=NOON,
        legacy=False,
        data="{}",
    )


class Sink:
    """One partition of the sink. `store` may be another's: what a process that died left on disk."""

    def __init__(
        self,
        sender: Sender,
        store: Store | None = None,
        *,
        concurrency: int = 3,
        dotted_names: bool = False,
        jitter: float = 0.5,
        safe: SecretSealer | None = None,
        **policy: Any,
    ) -> None:
        self.now = NOON
        self.store = store or MemoryStore(table_families(SinkStage.kinds))
        self.tables = Tables(self.store, SinkStage.kinds)
        self.subscriptions = Subscriptions()
        self.subscriptions.put(FIRST)
        self.subscriptions.put(SECOND)
        requests = count(1)
        self.stage = SinkStage(
            SinkPorts(
                self.subscriptions,
                AttemptSender(sender, safe or SecretSealer(), dotted_names=dotted_names),
                EndpointPolicy(**{"concurrency": concurrency, "settle_after": timedelta(0), **policy}),
                now=lambda: self.now,
                new_id=lambda: uid(800_000 + next(requests)),
                jitter=lambda: jitter,
            )
        )
        self.stage.assigned(0, self.tables)
        self.written: list[Value | None] = []
        self.outputs: list[Output] = []
        self._offsets = count()

    def arrive(self, *deliveries: Delivery) -> None:
        records = []
        for one in deliveries:
            value, header = encode(one)
            headers = {HEADER: header.encode()}
            records.append(
                Record(DELIVERIES.name, 0, next(self._offsets), one.subscription_id.encode(), value, headers)
            )
        self._turn(records)

    def _turn(self, records: list[Record]) -> None:
        turn = StageContext(0, self.tables, self.now)
        assert self.stage.play(turn, records, 1000) == len(records)
        self.tables.commit(list(self.tables.changelog()), {})
        self.written += [output.value for output in turn.outputs]
        self.outputs += turn.outputs

    async def begin(self) -> None:
        """Start what is due, and let the requests go out."""
        self.stage.between(0, self.tables)
        for _ in range(10):
            await asyncio.sleep(0)

    async def until(self, now: datetime) -> None:
        """Everything that is due until then is sent and settled, as fast as endpoints answer."""
        self.now = now
        await self.begin()
        await self.begin()
        while self.stage.wants(0, self.tables):
            self._turn([])
            await self.begin()

    def attempts(self) -> list[tuple[int, str]]:
        return [(a.number, a.outcome) for a in self.written if isinstance(a, Attempt)]

    def change(self, before: Subscription, **terms: Any) -> Subscription:
        """The subscription is changed, now."""
        after = replace(before, **terms)
        self.subscriptions.put(after)
        return after

    def endpoint(self, subscription: Subscription) -> Endpoint:
        return self.stage.endpoint(0, subscription.subscription_id)

    def statuses(self) -> list[tuple[str, int]]:
        """What was told of endpoints, with the failures up to then."""
        return [(s.state, s.failures) for s in self.written if isinstance(s, EndpointStatus)]

    def dead(self) -> list[DeadLetter]:
        return [d for d in self.written if isinstance(d, DeadLetter)]


def message_ids(sender: FakeSender) -> list[str]:
    return [msgspec.json.decode(sent.body)["messageId"] for sent in sender.sent]

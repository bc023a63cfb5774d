"""The stages as they run, given one hostile record at a time; each record's outcome is named and checked.

What they write for one another they are given in turn, as on the log: no stage may find poison in another's
records. The world begins anew every `RENEWED` records, so that a record's time is not that of a state that
only a fuzzer would pile up.
"""

import gc
import time
import traceback
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from msgspec.structs import replace

from streams.codec.avro import decode, encode
from streams.delivery.subscription import ANY_EVENT, Subscriptions
from streams.delivery.subscription_options import Condition
from streams.domain.commands import AdvanceClock, Command
from streams.domain.state import Handled
from streams.kafka.partitioner import partition_of
from streams.rejections import PoisonRecord
from streams.stages.command_dedup import dedup_id
from streams.stages.commands import read_command
from streams.stages.context import Output, Record, Stage, StageContext, StreamClock, WallClock
from streams.stages.fan_out import FanOutStage
from streams.stages.identity import IdentityStage
from streams.stages.loyalty import LoyaltyStage
from streams.tables.store import MemoryStore, Write
from streams.tables.tables import Tables, table_families
from streams.topics import (
    COMMANDS,
    DELIVERIES,
    EVENTS,
    IDENTITY_REQUESTS,
    MAX_BATCH_BYTES,
    POISON,
    REJECTIONS,
    WEBHOOK_EVENTS,
)
from tests.domain.whole_store import WHOLE
from tests.driver import record
from tests.samples import BORIS, NOON, add, buy, purchase, register, subscription, uid
from tests.stages.hostile_records import PARTITIONS, Producer
from tests.stages.hostile_values import Draw

RENEWED = 500
BUDGET = 100
MOST_TURNS = 20
AHEAD = "ahead"
"""A record of history that is dated far ahead: what time brings until then comes first, turn by turn."""
OURS = "our own record"
_ORDER = (
    (POISON, "poison"),
    (REJECTIONS, "rejection"),
    (EVENTS, "facts"),
    (DELIVERIES, "deliveries"),
    (COMMANDS, "messages"),
    (IDENTITY_REQUESTS, "requests"),
)
OTHER = replace(
    WHOLE,
    store="OTHER",
    time_zone="Pacific/Apia",
    wallets=tuple(replace(wallet, allow_negative_balance=True) for wallet in WHOLE.wallets),
    phone_region="PL",
    card_pattern="[0-9]{7}",
    return_shortfall="debt",
    campaign_time="processing",
)
_EXCUSED = ("answers ", "is about document ")
"""How causes begin for which a stage's own record may be poison: it follows from a hostile one that named
what never was, or was answered by one already."""


@dataclass(slots=True)
class Tally:
    """What came of the records. `faults`: what should not have."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: tuple[float, int, str] = (0.0, 0, "")
    """Seconds of CPU, bytes and the record's description."""
    over: float = 0.0
    """The largest share of its bound that a record took."""

    def time(self, spent: float, came: Record, told: str) -> None:
        size = len(came.value or b"") + len(came.key or b"") + sum(map(len, came.headers.values()))
        self.slowest = max(self.slowest, (spent, size, f"{told}, {came.topic}, {(came.schema or '')[:40]}"))
        self.over = max(self.over, spent / (0.05 + size * 1e-6))


class World:
    """The three stages of a store where everything happens, with two members of two stores."""

    def __init__(self, tally: Tally, *, history: bool) -> None:
        self.tally = tally
        self.now = NOON
        self.ahead = False
        """Whether more is due than there is time for: the world is to begin anew."""
        self.ids: deque[str] = deque(maxlen=60)
        self.changes: defaultdict[str, list[Write]] = defaultdict(list)
        self.codes: deque[str] = deque(maxlen=20)
        stores = {store.store: store for store in (WHOLE, OTHER)}
        clock = StreamClock() if history else WallClock(lambda: self.now)
        loyalty = LoyaltyStage(stores, clock, timedelta(hours=24), lambda: bytes(range(64)))
        fan_out = FanOutStage(_subscriptions(), timedelta(seconds=60), WallClock(lambda: self.now))
        self.stages: dict[str, Stage] = {
            COMMANDS.name: loyalty,
            IDENTITY_REQUESTS.name: IdentityStage(),
            WEBHOOK_EVENTS.name: fan_out,
        }
        self.tables = {
            topic: Tables(MemoryStore(table_families(stage.kinds)), stage.kinds)
            for topic, stage in self.stages.items()
        }
        commands = (
            register(email="anna@example.com"),
            register(BORIS),
            replace(register(), store="OTHER"),
            add("250"),
            purchase("12.50", "CD-1"),
            buy(),
        )
        for number, command in enumerate(commands):
            made = record(replace(command, command_id=uid(20_000 + number)), number)
            self.follow([made._replace(partition=partition_of(made.key or b"", PARTITIONS))])

    def hostile(self, came: Record, number: int) -> None:
        """The record, then all that follows from it."""
        outcome, following = self._play(came, f"record {number}")
        self.tally.outcomes[outcome] += 1
        self.follow(following)

    def follow(self, records: list[Record]) -> None:
        waiting = deque(records)
        for _ in range(1_000):
            if not waiting:
                return
            waiting.extend(self._play(waiting.popleft(), OURS)[1])
        self.tally.faults.append(f"the stages write for one another without end: {waiting[0]!r:.1000}")

    def pass_time(self, by: timedelta) -> None:
        """The wall clock moves on, and what is due happens."""
        self.now += by
        for topic, stage in self.stages.items():
            for _ in range(MOST_TURNS):
                if not stage.wants(0, self.tables[topic]):
                    break
                turn, _ = self._turn(topic, [], f"timers at {self.now}")
                if turn is None:
                    return
                self.follow(self._commit(topic, turn))
            self.ahead = self.ahead or stage.wants(0, self.tables[topic])

    def check_restored(self) -> None:
        """What was written to the changelogs gives the same state again, and once more over itself."""
        for topic, tables in self.tables.items():
            restored = Tables(MemoryStore(table_families(self.stages[topic].kinds)), self.stages[topic].kinds)
            try:
                for _ in range(2):
                    for table in tables.names:
                        changes = [(key, value) for name, key, value in self.changes[topic] if name == table]
                        restored.restore(table, changes, 1)
                    restored.index()
                assert list(restored.entries()) == list(tables.entries()), "is restored as another state"
            except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
                self.tally.faults.append(f"the state of {topic}\n{traceback.format_exc(limit=-8)}")

    def _play(self, came: Record, told: str) -> tuple[str, list[Record]]:
        """What came of the record, in as many turns as it takes, and what other stages read of it."""
        following: list[Record] = []
        for _ in range(MOST_TURNS):
            # A full collection of all that this run remembers would be timed with a record by chance.
            gc.disable()
            begun = time.thread_time()
            turn, handled = self._turn(came.topic, [came], told)
            self.tally.time(time.thread_time() - begun, came, told)
            gc.enable()
            if turn is None:
                return "raised", following
            outcome = self._outcome(turn, came, told) if handled else AHEAD
            following += self._commit(came.topic, turn)
            if handled:
                return outcome, following
        self.ahead = True
        return AHEAD, following

    def _turn(self, topic: str, records: list[Record], told: str) -> tuple[StageContext | None, int]:
        """One turn, and how many records it handled. None where it raised: it would end the process."""
        partition = records[0].partition if records else 0
        turn = StageContext(
            partition, self.tables[topic], self.now, lambda key: partition_of(key, PARTITIONS)
        )
        try:
            return turn, self.stages[topic].play(turn, records, BUDGET)
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            self.tables[topic].abort()
            self.tally.faults.append(f"{told}: {records!r:.3000}\n{traceback.format_exc(limit=-8)}")
            return None, len(records)

    def _outcome(self, turn: StageContext, came: Record, told: str) -> str:
        topics = {output.topic for output in turn.outputs}
        if told == OURS and POISON in topics:
            self._check_poison(turn, came)
        for topic, name in _ORDER:
            if topic in topics:
                return name
        if next(turn.tables.changelog(), None) is not None:
            return "kept"
        if not self._may_do_nothing(turn, came):
            self.tally.faults.append(f"nothing came of {told}: {came!r:.3000}")
        return "nothing"

    def _check_poison(self, turn: StageContext, came: Record) -> None:
        for output in turn.outputs:
            if isinstance(output.value, PoisonRecord) and not output.value.cause.startswith(_EXCUSED):
                self.tally.faults.append(f"{OURS} is poison: {output.value.cause}: {came!r:.2000}")

    def _may_do_nothing(self, turn: StageContext, came: Record) -> bool:
        """Repeats, clocks that are the wall's, releases of what is not the member's, what nobody wants."""
        if came.topic == IDENTITY_REQUESTS.name:
            return came.kind in ("ReleaseIdentifier", "ReserveDocument")
        if came.topic == WEBHOOK_EVENTS.name:
            return True
        command = read_command(came)
        if isinstance(command, AdvanceClock):
            return True
        assert isinstance(command, Command)
        owned = turn.tables.of(f"{command.store}/{command.member_id}")
        return owned.get(Handled, dedup_id(command).encode()) is not None

    def _commit(self, topic: str, turn: StageContext) -> list[Record]:
        """Everything is written as it would be, and reads back. Returns what other stages read."""
        written = []
        for offset, output in enumerate(turn.outputs):
            made = self._written(output, offset)
            if made is not None and output.topic.name in self.stages:
                written.append(made)
        try:
            changes = list(turn.tables.changelog())
            turn.tables.commit(changes, {})
            self.changes[topic] += changes
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            turn.tables.abort()
            self.tally.faults.append(
                f"the changes of {[o.value for o in turn.outputs]!r:.2000}\n{traceback.format_exc(limit=-8)}"
            )
            return []
        return written

    def _written(self, output: Output, offset: int) -> Record | None:
        try:
            assert output.value is not None
            assert output.encoded is not None
            data, header = output.encoded
            key = output.key.encode()
            assert len(data) + len(key) < MAX_BATCH_BYTES, f"{len(data):,} bytes"
            # A part may be of a larger type than the schema asks for: the bytes tell whether all is there.
            assert encode(decode(type(output.value), data, header)) == (data, header), "reads back as another"
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            self.tally.faults.append(
                f"written to {output.topic.name}: {output.value!r:.3000}\n{traceback.format_exc(limit=-8)}"
            )
            return None
        self._learn(output)
        place = partition_of(key, PARTITIONS)
        return Record(output.topic.name, place, offset, key, data, {"schema": header.encode()})

    def _learn(self, output: Output) -> None:
        """Ids and codes that hostile records may name."""
        for name in ("transfer_id", "issued_reward_id", "command_id", "transaction_id"):
            found = getattr(output.value, name, None)
            if isinstance(found, str):
                self.ids.append(found)
        code = getattr(output.value, "code", None) or getattr(
            getattr(output.value, "coupon", None), "code", None
        )
        if isinstance(code, str):
            self.codes.append(code)


def _subscriptions() -> Subscriptions:
    """All events in both formats, those that a filter lets pass, and those of another store."""
    found = Subscriptions()
    odd = (
        Condition(path="customer.email", operator="exists", value="true"),
        Condition(path="amount", operator="gte", value="1"),
    )
    for one in (
        subscription(ANY_EVENT, number=500),
        subscription(ANY_EVENT, number=501, legacy=True),
        replace(subscription(ANY_EVENT, number=502), filter=odd),
        replace(subscription(ANY_EVENT, number=503, legacy=True), store="OTHER"),
    ):
        found.put(one)
    return found


def fuzz(stage: str, numbers: range, seed: int, tally: Tally) -> Iterator[int]:
    """Hostile records of those numbers; yields the number of each once it was played."""
    for start in range(numbers.start, numbers.stop, RENEWED):
        random = Random(f"{stage} {seed} {start}")  # noqa: S311 - to be had again
        world, producer = World(tally, history=random.random() < 0.25), Producer(stage, random)
        for number in range(start, min(start + RENEWED, numbers.stop)):
            if random.random() < 0.04:
                world.pass_time(timedelta(days=random.choice((0, 0.001, 1, 1, 30, 400))))
            came = producer.next(Draw(random, world.now, world.ids, world.codes))
            world.hostile(came, number)
            if world.ahead:
                world = World(tally, history=True)
            yield number
        world.check_restored()

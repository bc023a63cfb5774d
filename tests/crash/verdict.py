"""Whether a run did what the model says: every difference is a complaint in one line."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from connectors.http.receiver import LogLine
from connectors.http.sink import SinkStage
from streams.codec import avro
from streams.delivery.records import Attempt
from streams.domain.state import DataKey, Entry
from streams.migration.compare import Comparison
from streams.reconcile.reconciliation import Reconciliation
from streams.rejections import CommandRejected, PoisonRecord
from streams.stages.context import Record
from streams.stages.fan_out import FanOutStage
from streams.stages.identity import IdentityStage
from streams.stages.loyalty import LoyaltyStage
from streams.tables.due import FAMILY as DUE
from streams.tables.store import MemoryStore, RocksStore, Store
from streams.tables.tables import Tables, table_families
from streams.topics import (
    ATTEMPTS,
    CHANGELOGS,
    COMMANDS,
    DELIVERIES,
    ERASURES,
    EVENTS,
    POISON,
    REJECTIONS,
    WEBHOOK_EVENTS,
)
from streams.webhooks.names import LEGACY_TYPES
from tests.crash.facts import as_opened, is_data_key
from tests.crash.listeners import delivery, single
from tests.crash.model import BETWEEN_STAGES, Expected, State, is_message
from tests.crash.topics import grouped, schema
from tests.samples import NOON

Complaints = Iterator[str]
ByPartition = dict[int, list[Record]]


class Followed(Protocol):
    """What the topics hold, by topic and partition."""

    @property
    def records(self) -> dict[str, ByPartition]: ...


def of_records(expected: Expected, found: Followed) -> Complaints:
    """Partition by partition, in order; deliveries, and items of batches, in order for each subscription and
    member."""
    for number, state in expected.state[LoyaltyStage].items():
        theirs = as_opened(expected.records[EVENTS.name][number], state)
        changelog = found.records[CHANGELOGS[DataKey.table].name][number]
        ours = as_opened(found.records[EVENTS.name][number], _fold(changelog, DataKey.table))
        yield from _compared(f"{EVENTS.name}[{number}]", theirs, ours)
    for topic in (ERASURES, WEBHOOK_EVENTS, REJECTIONS):
        for number, records in expected.records[topic.name].items():
            actual = found.records[topic.name][number]
            yield from _compared(f"{topic.name}[{number}]", records, actual)
    both = (_all(side.records[DELIVERIES.name]) for side in (expected, found))
    lanes, got = (grouped(single(records), _lane) for records in both)
    for lane in lanes.keys() | got.keys():
        yield from _compared(f"deliveries of {lane}", lanes.get(lane, []), got.get(lane, []))
    poison = [sorted(_all(side.records[POISON.name]), key=_content) for side in (expected, found)]
    yield from _compared("poison", *poison)
    for topic in BETWEEN_STAGES:
        told = [r for r in _all(found.records[topic.name]) if topic is not COMMANDS or is_message(r)]
        # By whom and when first is chance: each once is what is promised.
        sides = [sorted(side, key=_content) for side in (expected.messages[topic.name], told)]
        yield from _compared(f"messages on {topic.name}", *sides)


def _all(records: ByPartition) -> list[Record]:
    return [record for number in sorted(records) for record in records[number]]


def _compared(name: str, expected: list[Record], actual: list[Record]) -> Complaints:
    theirs, ours = [_content(r) for r in expected], [_content(r) for r in actual]
    if theirs == ours:
        return
    lost, doubled = Counter(theirs) - Counter(ours), Counter(ours) - Counter(theirs)
    yield f"{name}: {len(ours)} for {len(theirs)}: {_size(lost)} lost, {_size(doubled)} too many"
    at = next((i for i, pair in enumerate(zip(theirs, ours, strict=False)) if pair[0] != pair[1]), None)
    if at is not None:
        record = actual[at]
        place = f"{record.topic}[{record.partition}] at offset {record.offset}"
        yield f"  differs first at record {at} ({place}): {ours[at]!r:.300}, expected {theirs[at]!r:.300}"


def _size(counted: Counter[str]) -> int:
    return sum(counted.values())


def _lane(record: Record) -> str:
    sent = delivery(record)
    return f"{sent.subscription_id}/{sent.member_id}"


def _content(record: Record) -> str:
    """All that follows from the commands: what the wall clock gave to it is left out."""
    value: object = record.value
    if record.topic == REJECTIONS.name:
        rejected = avro.decode(CommandRejected, record.value, schema(record))
        value = msgspec.structs.replace(rejected, rejected_at=NOON)
    if record.topic == POISON.name:
        poison = avro.decode(PoisonRecord, record.value, schema(record))
        value = msgspec.structs.replace(poison, found_at=NOON)
    return f"{record.key!r} {schema(record)} {value!r}"


def of_state(expected: Expected, found: Followed) -> Complaints:
    """The changelogs, the latest of each key."""
    for stage, states in expected.state.items():
        for number, state in states.items():
            name = f"{stage.__name__}: changelogs of partition {number}"
            yield from same(name, followed(state), followed(_compacted(found, number, stage)))


def of_pending(found: Followed, partitions: Iterable[int]) -> Complaints:
    for number in partitions:
        for table in ("pending", "batches"):
            left = _fold(found.records[CHANGELOGS[table].name][number], table)
            if left:
                yield f"{table}[{number}]: {len(left)} entries are not done with"


def _compacted(found: Followed, number: int, stage: type[LoyaltyStage | IdentityStage]) -> State:
    state: State = {}
    for table in {kind.table for kind in stage.kinds}:
        state |= _fold(found.records[CHANGELOGS[table].name][number], table)
    return state


def _fold(changelog: Iterable[Record], table: str) -> State:
    state: State = {}
    for record in changelog:
        if record.value is None:
            state.pop((table, record.key or b""), None)
        else:
            state[table, record.key or b""] = record.value
    return state


def followed(state: State) -> State:
    """Of the data keys only that they are there: they are drawn."""
    return {place: b"" if is_data_key(*place) else value for place, value in state.items()}


def same(name: str, expected: State, actual: State) -> Complaints:
    odd = [key for key in expected.keys() | actual.keys() if expected.get(key) != actual.get(key)]
    if odd:
        yield f"{name}: {len(odd)} of {len(expected)} entries differ, among them {min(odd)}"


def of_books(books: Reconciliation) -> Complaints:
    """What the topics say of themselves: all that was published was delivered."""
    yield from (f"books: {one}" for one in books.differences[:3])
    left = {name: count for name, count in sum(books.outcomes.values(), Counter()).items() if count}
    if left != {"delivered": books.published.total()}:
        yield f"books: {left} of {books.published.total()} published"


def of_facts(replayed: Comparison) -> Complaints:
    """The running state follows from the facts."""
    yield from (f"replay state: {one}" for one in replayed.differences[:3])
    if replayed.passed_over:
        yield f"replay state: {replayed.passed_over} changed though nothing runs"


def of_disks(folders: Iterable[Path], found: Followed) -> Complaints:
    """Every disk, however long its partition has been away, holds a prefix of the committed changelogs, with
    the due index that goes with it; and for each partition somebody has them whole."""
    whole: set[int] = set()
    numbers: set[int] = set()
    for folder in folders:
        number = int(folder.name)
        numbers.add(number)
        complaints, complete = _disk(folder, number, found)
        yield from complaints
        if complete:
            whole.add(number)
    yield from (f"no disk has partition {number} as it is in the end" for number in sorted(numbers - whole))


def _disk(folder: Path, number: int, found: Followed) -> tuple[list[str], bool]:
    kinds = _kinds(folder.parent.parent.name)
    store = RocksStore(folder, table_families(kinds))
    try:
        return of_store(str(folder), store, kinds, number, found)
    finally:
        store.close()


def of_store(
    name: str, store: Store, kinds: Sequence[type[Entry]], number: int, found: Followed
) -> tuple[list[str], bool]:
    """The complaints, and whether it holds the whole of its partition's changelogs."""
    tables, complete = Tables(store, kinds), True
    complaints: list[str] = []
    for table in tables.names:
        changelog = found.records[CHANGELOGS[table].name][number]
        checkpoint = tables.checkpoint(table)
        prefix = _fold((r for r in changelog if r.offset < checkpoint), table)
        complaints += same(f"{name}: {table}", prefix, {(table, k): v for k, v in store.scan(table, b"")})
        complete = complete and not (changelog and changelog[-1].offset >= checkpoint)
    if tables.indexed:
        complaints += _index(name, store, kinds)
    return complaints, complete


def _kinds(feed: str) -> Sequence[type[Entry]]:
    if feed.endswith("sink"):
        return SinkStage.kinds
    if feed.endswith("fan-out"):
        return FanOutStage.kinds
    return IdentityStage.kinds if feed.endswith("identity") else LoyaltyStage.kinds


def _index(name: str, store: Store, kinds: Sequence[type[Entry]]) -> Complaints:
    fresh = MemoryStore(table_families(kinds))
    names = sorted({kind.table for kind in kinds})
    fresh.write((table, key, value) for table in names for key, value in store.scan(table, b""))
    Tables(fresh, kinds).index()
    kept, made = [{key for key, _ in side.scan(DUE, b"")} for side in (store, fresh)]
    if kept != made:
        yield f"{name}: due index: {len(kept - made)} keys too many, {len(made - kept)} missing"


def of_http(expected: Expected, found: Followed, received: list[LogLine]) -> Complaints:
    """Every delivery once at least, no other, and in order for each subscription and member. Legacy bodies
    bear no id: they can only be counted."""
    batches = Counter(delivery(record).event_name for record in _legacy(found))
    for name, count in batches.items():
        came = sum(line.event_name == LEGACY_TYPES[name] for line in received)
        if came < count:
            yield f"HTTP: {came} legacy requests of {name} for {count} batches"
    lanes = grouped(_new_format(expected), _lane)
    ids = {lane: [_id(record) for record in records] for lane, records in lanes.items()}
    lane_of = {id_: lane for lane, known in ids.items() for id_ in known}
    first: dict[str, list[str]] = {lane: [] for lane in ids}
    unknown = 0
    for id_ in dict.fromkeys(line.message_id for line in received if line.message_id):
        if id_ in lane_of:
            first[lane_of[id_]].append(id_)
        else:
            unknown += 1
    if unknown:
        yield f"HTTP: {unknown} messages that nobody sent"
    for lane, known in ids.items():
        if first[lane] != known:
            lost = len(set(known) - set(first[lane]))
            yield (
                f"HTTP: {lane}: {lost} of {len(known)} never came" if lost else f"HTTP: {lane}: out of order"
            )


def delivered(found: Followed) -> int:
    """How many attempts were a success."""
    records = _all(found.records[ATTEMPTS.name])
    return sum(avro.decode(Attempt, r.value, schema(r)).outcome == "delivered" for r in records)


def of_attempts(expected: Expected, found: Followed) -> Complaints:
    """A delivery is settled once, however often it was sent."""
    settled: Counter[str] = Counter()
    for record in _all(found.records[ATTEMPTS.name]):
        attempt = avro.decode(Attempt, record.value, schema(record))
        settled[attempt.delivery_id] += attempt.outcome == "delivered"
    known = {_id(record) for record in (*_new_format(expected), *_legacy(found))}
    wrong = [id_ for id_ in known | settled.keys() if settled[id_] != (id_ in known)]
    if wrong:
        yield f"attempts: {len(wrong)} deliveries were not settled exactly once: {wrong[:3]}"


def _new_format(side: Expected) -> list[Record]:
    return [r for r in _all(side.records[DELIVERIES.name]) if not delivery(r).legacy]


def _legacy(found: Followed) -> list[Record]:
    return [r for r in _all(found.records[DELIVERIES.name]) if delivery(r).legacy]


def _id(record: Record) -> str:
    return delivery(record).delivery_id


def lines(log: Path) -> list[LogLine]:
    return [msgspec.json.decode(line, type=LogLine) for line in log.read_bytes().splitlines()]

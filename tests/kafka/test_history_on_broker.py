"""A shop's history on a real broker, quietly, by a worker that is killed; then live, with the other clock."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from streams.codec.avro import decode, decode_tree, encode
from streams.domain.commands import AddUnits, AdvanceClock, MemberCommand
from streams.settings import Settings
from streams.stages.context import Record, StreamClock
from streams.topics import EVENTS, POISON, SETTINGS, WEBHOOK_EVENTS, Topic
from streams.webhooks import CATALOGUE
from streams.webhooks.events import WebhookEvent
from tests.crash.world import put
from tests.driver import Pipeline
from tests.kafka.fleet import Fleet, Worker, eventually
from tests.kafka.processes import finished
from tests.samples import NOON, add, uid
from tests.test_cdnow_balances import SHOP
from tests.test_history import INSTANT, history

QUIET = replace(SHOP, quiet_before=INSTANT)
MEMBERS = 400


@pytest.fixture
def fleet(settings: Settings, tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(settings, tmp_path)
    put(made.connection, SETTINGS, {QUIET.store: encode(QUIET)})
    yield made
    made.close()


def some(past: list[MemberCommand]) -> list[MemberCommand]:
    """Those of the first members: the whole of it is played in memory, in tests/test_history.py."""
    members = set(list(dict.fromkeys(command.member_id for command in past))[:MEMBERS])
    return [command for command in past if command.member_id in members]


def gift(number: int, member: str, now: datetime) -> AddUnits:
    given = add("5", member, at=now, expires_in_days=30)
    return replace(given, store=SHOP.store, command_id=uid(70_000 + number))


def in_memory(past: list[MemberCommand], after: list[AddUnits], now: datetime) -> Pipeline:
    """The same, all of it told, and by the clock of history from its beginning to its end."""
    run = Pipeline(SHOP, now=NOON, clock=StreamClock())
    run.when(*past, AdvanceClock(command_id=uid(1), issued_at=now), *after)
    return run


def facts(records: Iterable[Record]) -> dict[str, str]:
    """Their commands, or the timers that they came of, by their ids."""
    trees = (decode_tree(record.value, record.schema)[1] for record in records)
    return {tree["event_id"]: tree["command_id"] for tree in trees}


def told(records: Iterable[Record]) -> list[WebhookEvent]:
    names = ((record, record.kind) for record in records)
    return [decode(CATALOGUE[name].event, record.value, record.schema) for record, name in names]


def there(fleet: Fleet, topic: Topic) -> list[Record]:
    followed = fleet.followed(topic)
    followed.read_to_end()
    followed.close()
    return [record for records in followed.records[topic.name].values() for record in records]


def await_facts(fleet: Fleet, worker: Worker, wanted: set[str]) -> None:
    eventually(
        lambda: wanted <= facts(there(fleet, EVENTS)).keys(),
        lambda: f"{len(wanted - facts(there(fleet, EVENTS)).keys())} facts are missing: {worker.log}",
    )


def test_after_a_quiet_history_what_the_whole_run_tells_from_the_instant_on_is_told(fleet: Fleet) -> None:
    past, now = some(history()), datetime.now(UTC)
    after = [gift(n, member, now) for n, member in enumerate({command.member_id for command in past})]
    whole = in_memory(past, after, now)
    wanted = facts(whole.log[EVENTS.name])
    played = {command.command_id for command in past}

    worker = fleet.worker("one", LOYALTY_CLOCK="stream")
    fleet.send(past)
    eventually(lambda: fleet.handled > len(past) // 2, lambda: worker.log)
    worker.program.kill()
    await_facts(fleet, worker, {event for event, command in wanted.items() if command in played})
    worker.program.environment = {**worker.program.environment, "LOYALTY_CLOCK": "wall"}
    fleet.send(after)
    worker.program.kill()
    await_facts(fleet, worker, set(wanted))
    worker.program.end()

    happened = there(fleet, EVENTS)
    assert facts(happened) == wanted
    assert len(happened) == len(wanted)
    found = told(there(fleet, WEBHOOK_EVENTS))
    since = {e.webhook_event_id: e for e in told(whole.log[WEBHOOK_EVENTS.name]) if e.created_at >= INSTANT}
    assert sorted(e.webhook_event_id for e in found) == sorted(since)
    assert [e for e in found if e.created_at < now] == [
        since[e.webhook_event_id] for e in found if e.created_at < now
    ]
    assert there(fleet, POISON) == []


def test_files_of_the_past_happen_at_their_own_times(
    fleet: Fleet, settings: Settings, tmp_path: Path
) -> None:
    members, transactions = tmp_path / "members.csv", tmp_path / "transactions.csv"
    members.write_text("memberExternalId,registeredAt\nC-1,1997-01-01\nC-2,1997-05-01\n")
    transactions.write_text(
        "documentNumber,purchasedAt,sku,grossValue,memberExternalId\n"
        "R-3,1997-06-02T12:00:00,CD,10,C-2\n"
        "R-1,1997-01-02T12:00:00,CD,30,C-1\n"
        "R-2,1997-06-01T12:00:00,CD,20,C-1\n"
    )
    fleet.worker("one", LOYALTY_CLOCK="stream")

    files = "--members", str(members), "--transactions", str(transactions)
    code, said = finished(settings, "load-history", *files, "--store", SHOP.store)

    assert code == 0
    assert "5 commands, from 1997-01-01 to 1997-06-02" in said
    assert "5 commands sent: 5 accepted, 0 refused" in said
    expired = [r for r in there(fleet, EVENTS) if r.kind == "UnitsExpired"]
    # Ninety days after the first purchase, at the end of the day in New York.
    assert [decode_tree(r.value, r.schema)[1]["occurred_at"] for r in expired] == [
        datetime(1997, 4, 3, 4, 59, 59, tzinfo=UTC)
    ]
    assert there(fleet, WEBHOOK_EVENTS) == []

"""Any crash point loses nothing and doubles nothing: the logs and the state equal the quiet run's."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import count

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.domain.commands import (
    ActivateMember,
    AdvanceClock,
    AssignTransaction,
    BlockUnits,
    CancelTransfer,
    Command,
    DeactivateMember,
    EraseMember,
    RecordTransaction,
    RegisterMember,
    TransferUnits,
    UpdateMember,
)
from streams.domain.event_context import EventContext
from streams.domain.events import UnitsExpiryAnnounced
from streams.domain.values import Buyer, Profile
from streams.stages.context import Record, StreamClock, WallClock
from tests.domain.crashing import FAULTS, Crashing
from tests.domain.making import document, made
from tests.driver import WINDOW, record
from tests.samples import (
    ANNA,
    BORIS,
    NOON,
    SETTINGS,
    STORE,
    add,
    buy,
    purchase,
    register,
    spend,
    subscription,
    uid,
)

MEMBERS = st.sampled_from([ANNA, BORIS])
THIRD = st.just(uid(3))
UNITS = st.sampled_from(["0.5", "30", "150"]).map(Decimal)
EMAILS = st.sampled_from(["a@example.com", "b@example.com"])


def blocked(member: str, step: int) -> str:
    """The transfer that the step makes where it blocks units."""
    return EventContext(cause_id=uid(20_000 + step), store=STORE, member_id=member, now=NOON).id("blocking")


def recorded(number: str) -> RecordTransaction:
    return made(
        RecordTransaction,
        document(number),
        document_number=number,
        purchased_at=NOON,
        items=purchase("30", number).items,
        buyer=Buyer(email="a@example.com"),
    )


def assigned(number: str, email: str) -> AssignTransaction:
    return made(AssignTransaction, document(number), document_number=number, email=email)


AMOUNTS = st.sampled_from(["0", "0.5", "30", "150"])
COMMANDS = st.one_of(
    st.builds(register, MEMBERS),
    st.builds(lambda m, u, d: add(u, m, expires_in_days=d), MEMBERS, AMOUNTS, st.sampled_from([1, 12, 30])),
    st.builds(lambda m, u, d: purchase(u, d, m), MEMBERS, AMOUNTS, st.sampled_from("ABC")),
    st.builds(lambda m, u: spend(u, m), MEMBERS, AMOUNTS),
    st.builds(buy, MEMBERS),
    st.builds(lambda m, e: made(UpdateMember, m, profile=Profile(email=e)), MEMBERS, EMAILS),
    st.builds(lambda m, e: made(RegisterMember, m, profile=Profile(email=e)), THIRD, EMAILS),
    st.builds(
        lambda m, to, u: made(TransferUnits, m, receiver_id=to, units=u), MEMBERS, THIRD | MEMBERS, UNITS
    ),
    st.builds(lambda m, u: made(BlockUnits, m, units=u), MEMBERS, UNITS),
    # The steps' ids are counted: it may be that of an earlier one.
    st.builds(lambda m, n: made(CancelTransfer, m, transfer_id=blocked(m, n)), MEMBERS, st.integers(2, 8)),
    st.builds(
        lambda m, kind: made(kind, m),
        MEMBERS,
        st.sampled_from([DeactivateMember, ActivateMember, EraseMember]),
    ),
    st.builds(recorded, st.sampled_from("ABC")),
    st.builds(assigned, st.sampled_from("ABC"), EMAILS),
)
Step = tuple[Command, int, bool]
"""A command, the hours that pass before it, and whether the producer sends it twice."""
STEPS = st.lists(st.tuples(COMMANDS, st.sampled_from([0, 0, 1, 30, 24 * 12]), st.booleans()), max_size=12)


def stream(steps: list[Step]) -> list[Command | AdvanceClock]:
    """Two members registered, then the steps; at the end history goes on until all has expired."""
    now, ids, commands = NOON, count(20_000), list[Command | AdvanceClock]()
    for command, hours, twice in [(register(ANNA), 0, False), (register(BORIS), 0, False), *steps]:
        now += timedelta(hours=hours)
        sent = replace(command, command_id=uid(next(ids)), issued_at=now)
        commands += [sent, sent] if twice else [sent]
    commands.append(AdvanceClock(command_id=uid(next(ids)), issued_at=now + timedelta(days=200)))
    return commands


def outcome(
    run: Crashing,
) -> tuple[dict[str, list[Record]], list[tuple[str, str, bytes, bytes]], list[bytes]]:
    logs = {topic: log for topic, log in run.log.items() if log}
    state = [*run.tables.entries(), *run.identifiers.entries(), *run.batches.entries()]
    return logs, state, list(run.tables.due_keys(b"", NOON + timedelta(days=9999)))


def listened(run: Crashing) -> Crashing:
    run.subscribe(
        subscription("AvailablePointsAmountChanged"),
        subscription("PointsWillExpire", number=501),
        subscription("CustomerBoughtReward", number=502, legacy=True),
        subscription("PointsWillExpire", number=503, legacy=True),
    )
    return run


def live(run: Crashing, steps: list[Step]) -> Crashing:
    listened(run)
    for command in stream(steps):
        run.at(max(run.now, command.issued_at))
        run.when(command)
    run.close_batches(run.now + WINDOW)
    return run


def played(run: Crashing, steps: list[Step]) -> Crashing:
    listened(run)
    run.arrive(*(record(command, offset) for offset, command in enumerate(stream(steps))))
    run.close_batches(run.now + WINDOW)
    return run


@given(STEPS, st.data())
def test_a_live_process_killed_at_any_turn_ends_as_one_that_ran_through(
    steps: list[Step], data: st.DataObject
) -> None:
    faults = iter(data.draw(st.lists(st.sampled_from(FAULTS), max_size=60)))

    killed = live(Crashing(SETTINGS, now=NOON, clock=WallClock(), fault=lambda: next(faults, "none")), steps)

    assert outcome(killed) == outcome(live(Crashing(SETTINGS, now=NOON, clock=WallClock()), steps))


LEAD_TIMES = st.sampled_from([(), (3,), (10,), (25, 10), (400, 25, 3, 1)])
Change = tuple[Step, tuple[int, ...]]
"""A step, and the lead times that the store sets before it."""


def changed(run: Crashing, changes: list[Change]) -> Crashing:
    listened(run)
    commands = stream([step for step, _ in changes])
    # Each step is one command or two of the same id; the first two and the last are no step's.
    lead_times = {command.command_id: days for command, days in _set_before(commands, changes)}
    for command in commands:
        days = lead_times.get(command.command_id)
        if days is not None:
            run.settings[STORE] = replace(SETTINGS, units_expiring_days=days, coupons_expiring_days=days)
        run.at(max(run.now, command.issued_at))
        run.when(command)
    run.at(run.now + timedelta(days=200))
    return run


def _set_before(
    commands: list[Command | AdvanceClock], changes: list[Change]
) -> Iterator[tuple[Command | AdvanceClock, tuple[int, ...]]]:
    once = list({command.command_id: command for command in commands}.values())
    return zip(once[2:-1], (days for _, days in changes), strict=True)


@given(
    st.lists(
        st.tuples(st.tuples(COMMANDS, st.sampled_from([0, 1, 30, 24 * 12]), st.booleans()), LEAD_TIMES),
        max_size=8,
    ),
    st.data(),
)
def test_lead_times_changed_at_any_time_with_any_crashes_tell_once_and_end_the_same(
    changes: list[Change], data: st.DataObject
) -> None:
    faults = iter(data.draw(st.lists(st.sampled_from(FAULTS), max_size=60)))

    crashing = Crashing(SETTINGS, now=NOON, clock=WallClock(), fault=lambda: next(faults, "none"))
    killed = changed(crashing, changes)

    assert outcome(killed) == outcome(changed(Crashing(SETTINGS, now=NOON, clock=WallClock()), changes))
    told = [event.event_id for event in killed.facts(UnitsExpiryAnnounced)]
    assert len(told) == len(set(told))


@given(STEPS, st.data())
def test_history_played_in_any_batches_with_any_crashes_ends_the_same(
    steps: list[Step], data: st.DataObject
) -> None:
    """What a record leads to does not depend on which transaction it fell into, nor where a turn was cut."""
    faults = iter(data.draw(st.lists(st.sampled_from(FAULTS), max_size=60)))
    budgets = iter(data.draw(st.lists(st.integers(1, 5), max_size=60)))

    killed = played(
        Crashing(
            SETTINGS,
            now=NOON,
            clock=StreamClock(),
            fault=lambda: next(faults, "none"),
            budget=lambda: next(budgets, 100),
            batch=data.draw(st.integers(1, 10)),
        ),
        steps,
    )

    assert outcome(killed) == outcome(played(Crashing(SETTINGS, now=NOON, clock=StreamClock()), steps))


def test_the_scenario_itself_reaches_every_kind_of_outcome() -> None:
    """Else the laws above would hold for want of anything that happens."""
    steps: list[Step] = [
        (add("150", expires_in_days=30), 0, True),
        (buy(), 1, True),
        (spend("150"), 1, False),
        (purchase("30", "A", BORIS), 30, False),
        (made(UpdateMember, profile=Profile(email="a@example.com")), 0, True),
        (made(TransferUnits, receiver_id=BORIS, units=Decimal("0.5")), 0, True),
        (add("9"), 0, False),
        (made(TransferUnits, receiver_id=BORIS, units=Decimal(9)), 0, True),
        (made(TransferUnits, BORIS, receiver_id=uid(3), units=Decimal(9)), 0, True),
        (made(BlockUnits, BORIS, units=Decimal(9)), 0, False),
        (made(CancelTransfer, BORIS, transfer_id=blocked(BORIS, 11)), 0, False),
        (recorded("D"), 0, True),
    ]

    logs, _, _ = outcome(played(Crashing(SETTINGS, now=NOON, clock=StreamClock()), steps))

    schemas = {r.kind for log in logs.values() for r in log}
    assert {"UnitsExpired", "UnitsExpiryAnnounced", "RewardBought", "CommandRejected", "Delivery"} <= schemas
    assert {"UnitsSent", "UnitsReceived", "UnitsReleased", "UnitsUnblocked"} <= schemas
    assert {"MemberUpdated", "TransactionMatched", "TransactionAssigned"} <= schemas

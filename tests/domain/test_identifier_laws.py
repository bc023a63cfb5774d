"""Nobody shares an e-mail address, phone or card number, in whichever order the stages take their turns."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from streams.domain import identifiers
from streams.domain.commands import (
    AddUnits,
    ChangeOwnEmail,
    Command,
    ConfirmChange,
    DeactivateMember,
    EraseMember,
    RegisterMember,
    SignUpMember,
    UpdateMember,
)
from streams.domain.events import ContactChangeAsked, MemberRegistered, UnitsEarned
from streams.domain.state import Claim, Waiting
from streams.domain.values import Profile
from streams.rejections import CommandRejected
from streams.stages.commands import owner_of, read_command
from streams.stages.context import Record, StreamClock, WallClock
from streams.stages.identity import identifier_key
from streams.topics import COMMANDS, IDENTITY_REQUESTS
from tests.domain.apart import Apart
from tests.domain.making import made
from tests.driver import all_of
from tests.samples import ANNA, BORIS, NOON, SETTINGS, STORE, add, uid

THIRD = uid(3)
MEMBERS = (ANNA, BORIS, THIRD)
# Some are the same to whoever reads them, some are nothing.
PROFILES = st.builds(
    Profile,
    email=st.sampled_from([None, "", "a@example.com", " A@example.com", "b@example.com"]),
    phone=st.sampled_from([None, "+48 600 100 201", "+48600100201", "600100201", "-", "\x00"]),
    loyalty_card_number=st.sampled_from([None, "C1", "C2"]),
)
TOPICS = st.sampled_from([COMMANDS.name, IDENTITY_REQUESTS.name])


class IdentifierMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.run = Apart(SETTINGS, now=NOON)
        self.sent: list[Command] = []

    def send(self, kind: type[Command], member: str, **fields: Any) -> None:
        self.sent.append(made(kind, member, self.run.now, command_id=uid(100_000 + len(self.sent)), **fields))
        self.run.put(self.sent[-1])

    @rule(
        member=st.sampled_from(MEMBERS),
        profile=PROFILES,
        kind=st.sampled_from([RegisterMember, SignUpMember]),
    )
    def register(self, member: str, profile: Profile, kind: type[Command]) -> None:
        self.send(kind, member, profile=profile)

    @rule(member=st.sampled_from(MEMBERS), profile=PROFILES)
    def update(self, member: str, profile: Profile) -> None:
        self.send(UpdateMember, member, profile=profile)

    @rule(member=st.sampled_from(MEMBERS), email=st.sampled_from(["a@example.com", "b@example.com"]))
    def ask_for_another_address(self, member: str, email: str) -> None:
        self.send(ChangeOwnEmail, member, email=email)

    @rule(data=st.data())
    def confirm_it(self, data: st.DataObject) -> None:
        asked = data.draw(st.sampled_from([None, *self.run.facts(ContactChangeAsked)]))
        if asked and asked.code:
            self.send(ConfirmChange, asked.member_id, code=asked.code)

    @rule(member=st.sampled_from(MEMBERS))
    def something_else(self, member: str) -> None:
        self.send(AddUnits, member, units=add("1").units)

    @rule(member=st.sampled_from(MEMBERS), kind=st.sampled_from([DeactivateMember, EraseMember]))
    def close(self, member: str, kind: type[Command]) -> None:
        self.send(kind, member)

    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        again = data.draw(st.sampled_from([None, *self.sent]))
        if again:
            self.run.put(again)

    @rule(topic=TOPICS, most=st.integers(1, 4))
    def a_stage_takes_its_turn(self, topic: str, most: int) -> None:
        self.run.step(topic, most)

    @rule()
    def time_passes(self) -> None:
        self.run.at(self.run.now + timedelta(hours=1))

    def of_members(self) -> list[tuple[str, str]]:
        found = []
        for name in MEMBERS:
            member = self.run.member(name)
            if member:
                found += [(identifier_key(STORE, each), name) for each in identifiers.of(member.profile)]
        return found

    @invariant()
    def no_two_members_are_known_by_the_same(self) -> None:
        keys = [key for key, _ in self.of_members()]
        assert len(set(keys)) == len(keys)

    def teardown(self) -> None:
        self.run.drain()
        self.no_two_members_are_known_by_the_same()
        # Exactly what members have: nothing is lost, and nothing is kept from others.
        assert self.run.known() == dict(self.of_members())
        for name in MEMBERS:
            state = self.run.tables.of(owner_of(STORE, name))
            assert state.get(Claim) is None
            assert list(state.scan(Waiting)) == []
        assert self.run.poison() == []
        self.no_command_is_refused_more_often_than_it_is_sent()

    def no_command_is_refused_more_often_than_it_is_sent(self) -> None:
        refused = all_of(self.run._of("rejections", CommandRejected), "command_id")
        sent = [c.command_id for c in map(_command, self.run.log[COMMANDS.name]) if c]
        for command_id in set(refused):
            # A repeat that comes while the first waits is answered with it.
            assert 1 <= refused.count(command_id) <= sent.count(command_id)


def _command(record: Record) -> Command | None:
    command = read_command(record)
    return command if isinstance(command, Command) and (record.schema or "")[:6] != "Answer" else None


TestIdentifiers = IdentifierMachine.TestCase


def registration(member: str, **fields: Any) -> RegisterMember:
    return made(RegisterMember, member, profile=Profile(**fields))


@given(st.permutations([ANNA, BORIS, THIRD]), st.lists(TOPICS, max_size=20))
def test_of_those_who_register_with_one_address_exactly_one_wins(
    members: list[str], turns: list[str]
) -> None:
    run = Apart(SETTINGS, now=NOON)
    for member in members:
        run.put(
            registration(member, email="Same@example.com", phone=f"+48 60010020{member[-1]}"),
            add("5", member),
        )

    for topic in turns:
        run.step(topic)
    run.drain()

    (winner,) = all_of(run.facts(MemberRegistered), "member_id")
    assert all_of(run.facts(UnitsEarned), "member_id") == [winner]
    assert set(run.known().values()) == {winner}
    taken = "profile.email same@example.com is another member's already"
    # Each of the others is told of it, and that there is no account for its units.
    assert run.rejections().count(taken) == 2
    assert len(run.rejections()) == 4


@pytest.mark.parametrize("order", list(permutations([ANNA, BORIS])))
def test_an_address_given_up_is_free_for_the_next_and_one_kept_is_not(order: tuple[str, str]) -> None:
    first, second = order
    run = Apart(SETTINGS, now=NOON)
    run.put(registration(first, email="a@example.com"), registration(second, email="a@example.com"))
    run.drain()

    run.put(made(UpdateMember, first, profile=Profile(email="b@example.com")))
    run.drain()
    run.put(registration(second, email="a@example.com"))
    run.drain()

    assert len(run.rejections()) == 1
    assert run.known() == {"DEFAULT/email/a@example.com": second, "DEFAULT/email/b@example.com": first}


def test_an_address_whose_small_letters_are_more_than_its_capitals_is_an_address_like_any_other() -> None:
    long = "İ" * 60 + "@example.com"
    run = Apart(SETTINGS, now=NOON)

    run.put(registration(ANNA, email=long), add("5"), registration(BORIS, email=long))
    run.drain()

    assert run.poison() == []
    assert all_of(run.facts(MemberRegistered), "member_id") == [ANNA]
    assert len(run.facts(UnitsEarned)) == 1


def test_what_was_granted_for_a_store_that_is_gone_is_free_again() -> None:
    run = Apart(SETTINGS, now=NOON)
    run.put(registration(ANNA, email="a@example.com"))
    run.step(COMMANDS.name)
    run.settings.clear()
    run.drain()
    assert run.known() == {}

    run.settings[STORE] = SETTINGS
    run.put(registration(BORIS, email="a@example.com"))
    run.drain()

    assert run.known() == {"DEFAULT/email/a@example.com": BORIS}


@pytest.mark.parametrize("clock", [WallClock, StreamClock])
def test_timers_go_on_while_a_claim_is_under_way(clock: type[WallClock | StreamClock]) -> None:
    """A lot ends before what waited behind the claim is decided, where its day was over before."""
    run = Apart(SETTINGS, now=NOON, clock=clock())
    lot = add("5", expires_in_days=1)
    run.put(registration(ANNA), lot)
    run.drain()
    run.put(made(UpdateMember, profile=Profile(email="a@example.com"), at=NOON))
    run.step(COMMANDS.name, 5)

    run.now = NOON + timedelta(days=3)
    run.put(replace(made(AddUnits, units=add("1").units), issued_at=run.now))
    run.step(COMMANDS.name, 5)
    assert run.balance(ANNA) == 0 or clock is WallClock
    run.drain()

    assert run.balance(ANNA) == 1
    assert run.known() == {"DEFAULT/email/a@example.com": ANNA}

"""Commands that wait for identifiers: in their order, each once, however long the answer takes."""

from datetime import timedelta

from streams.codec.avro import decode, decode_tree
from streams.domain.commands import Command, UpdateMember
from streams.domain.events import MemberRegistered, MemberUpdated, UnitsEarned, UnitsExpired
from streams.domain.values import Profile
from streams.rejections import CommandRejected
from streams.stages.context import Record, Stage, StreamClock, WallClock
from streams.stages.loyalty import LoyaltyStage
from streams.topics import COMMANDS, IDENTITY_REQUESTS, Topic
from tests.driver import Pipeline, instant, record
from tests.samples import ANNA, BORIS, NOON, SETTINGS, STORE, add, register, uid


class Slow(Pipeline):
    """The identity stage answers when it is let."""

    def readers(self) -> list[tuple[Topic, Stage]]:
        return []

    def asked(self) -> list[Record]:
        return self.log[IDENTITY_REQUESTS.name]

    def answer(self, *requests: Record) -> list[Record]:
        """Lets the stage see requests; returns its answers, to be let arrive."""
        before = len(self.log[COMMANDS.name])
        self.ask(*requests)
        return self.log[COMMANDS.name][before:]


def slow() -> Slow:
    return Slow(SETTINGS, now=NOON, clock=StreamClock(), memory=timedelta(hours=24))


def send(run: Slow, *commands: Command) -> None:
    for command in commands:
        run.play(record(command, 0))


def update(email: str) -> UpdateMember:
    return UpdateMember(
        command_id=uid(77), store=STORE, member_id=ANNA, issued_at=NOON, profile=Profile(email=email)
    )


def test_what_comes_while_a_claim_is_under_way_is_decided_after_it_in_its_order() -> None:
    run = slow()

    send(run, register(email="anna@example.com"), add("1"), add("2"))
    assert run.facts(MemberRegistered) == []
    run.play(*run.answer(*run.asked()))

    assert len(run.facts(MemberRegistered)) == 1
    assert [fact.units for fact in run.facts(UnitsEarned)] == [1, 2]


def test_of_two_members_who_want_the_same_address_at_once_one_gets_it() -> None:
    run = slow()

    send(run, register(ANNA, email="a@example.com"), register(BORIS, email="A@Example.com "), add("1", BORIS))
    run.play(*run.answer(*reversed(run.asked())))

    assert [fact.member_id for fact in run.facts(MemberRegistered)] == [BORIS]
    assert [fact.member_id for fact in run.facts(UnitsEarned)] == [BORIS]
    (refused,) = run.log["rejections"]
    refusal = decode(CommandRejected, refused.value, refused.schema)
    assert (refusal.member_id, refusal.field, refusal.value) == (ANNA, "profile.email", "a@example.com")


def test_a_repeat_that_waited_longer_than_commands_are_remembered_changes_nothing() -> None:
    run = slow()
    once = add("1")

    send(run, register(email="anna@example.com"), once, update("anna@example.org"), once)
    run.play(*run.answer(*run.asked()))
    # Decided once; its repeat waits for the second claim, for longer than the first is remembered.
    send(run, add("3", BORIS, at=NOON + timedelta(days=3)))
    run.play(*run.answer(*run.asked()[1:]))

    assert [fact.units for fact in run.facts(UnitsEarned)] == [1]
    assert [fact.profile.email for fact in run.facts(MemberUpdated)] == ["anna@example.org"]


def test_what_history_left_waiting_is_decided_at_its_own_time_though_it_is_answered_live() -> None:
    run = slow()
    send(run, register(email="anna@example.com"), add("10", expires_in_days=2))
    send(run, add("5", at=NOON + timedelta(days=5)))
    run.loyalty = LoyaltyStage(run.settings, WallClock(), timedelta(hours=24))
    run.now = NOON + timedelta(days=30)
    run.play()

    run.play(*run.answer(*run.asked()))

    happened = [*run.facts(UnitsEarned), *run.facts(UnitsExpired)]
    assert sorted(fact.occurred_at for fact in happened) == [
        NOON,
        instant("2026-03-04T23:59:59"),
        NOON + timedelta(days=5),
    ]


def test_a_member_s_requests_are_keyed_by_the_identifier() -> None:
    run = slow()

    send(run, register(email=" Anna@Example.com"))

    (asked,) = run.asked()
    assert asked.key == b"DEFAULT/email/anna@example.com"
    assert decode_tree(asked.value, asked.schema)[0] == "ClaimIdentifiers"

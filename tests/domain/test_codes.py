"""A code that was sent may be tried five times wrongly; then it is void, and the member asks for another."""

from collections.abc import Callable

import pytest

from streams.domain.codes import MAX_CODE_TRIES
from streams.domain.commands import (
    ActivateMember,
    ChangeOwnEmail,
    ChangeOwnPhone,
    Command,
    ConfirmChange,
    RegisterMember,
    SendActivationCode,
    SignUpMember,
)
from streams.domain.events import WrongCodeGiven
from streams.domain.state import Member, Secret
from streams.domain.values import Profile
from tests.driver import Pipeline
from tests.samples import NOON, SETTINGS, uid

MEMBER = uid(34)


class Account:
    """Of a member in a pipeline; commands have ids of their own."""

    def __init__(self) -> None:
        self.run = Pipeline(SETTINGS, now=NOON)
        self._count = 0

    def tell(self, kind: Callable[..., Command], **fields: object) -> str | None:
        """The reason for which it was refused; None: it was not."""
        self._count += 1
        command = kind(
            command_id=uid(5000 + self._count), store="DEFAULT", member_id=MEMBER, issued_at=NOON, **fields
        )
        before = len(self.run.log["rejections"])
        self.run.when(command)
        refused = self.run.rejections()[before:]
        return refused[0].removeprefix("code … ") if refused else None

    def code(self, purpose: str) -> str:
        secret = self.run.tables.of(f"DEFAULT/{MEMBER}").get(Secret, purpose.encode())
        assert secret
        return str(secret.code_number)

    @property
    def member(self) -> Member:
        found = self.run.tables.of(f"DEFAULT/{MEMBER}").get(Member)
        assert found
        return found

    @property
    def status(self) -> str:
        return self.member.status


@pytest.fixture
def account() -> Account:
    return Account()


def test_the_right_code_after_five_wrong_ones_is_refused_and_another_one_holds(account: Account) -> None:
    account.tell(SignUpMember, profile=Profile(email="anna@example.com"))
    right = account.code("activation")

    for _ in range(MAX_CODE_TRIES):
        assert account.tell(ActivateMember, code="000000") == "is not the one that was sent last"
    void = [account.tell(ActivateMember, code=each) for each in (right, "000000")]

    assert void == ["may not be tried any more, after 5 wrong ones: ask for another"] * 2
    assert account.status == "inactive"
    account.tell(SendActivationCode)
    assert account.tell(ActivateMember, code=account.code("activation")) is None
    assert account.status == "active"


def test_four_wrong_ones_leave_the_right_one_good(account: Account) -> None:
    account.tell(SignUpMember, profile=Profile(email="anna@example.com"))

    for _ in range(MAX_CODE_TRIES - 1):
        account.tell(ActivateMember, code="000000")

    assert account.tell(ActivateMember, code=account.code("activation")) is None


def test_a_guess_counts_against_every_change_that_it_could_confirm(account: Account) -> None:
    account.tell(RegisterMember, profile=Profile(email="anna@example.com"))
    account.tell(ChangeOwnEmail, email="new@example.com")
    for _ in range(MAX_CODE_TRIES - 1):
        assert account.tell(ConfirmChange, code="000000") == "is not the one that was sent last"
    account.tell(ChangeOwnPhone, phone="+48600100200")
    account.tell(ConfirmChange, code="000000")

    assert "may not be tried" not in str(account.tell(ConfirmChange, code=account.code("email")))
    assert account.member.profile.email == "anna@example.com"
    assert account.tell(ConfirmChange, code=account.code("phone")) is None
    assert account.member.profile.phone == "+48600100200"


def test_each_wrong_one_is_a_fact_and_its_command_refused_the_same_when_repeated(account: Account) -> None:
    account.tell(SignUpMember, profile=Profile(email="anna@example.com"))
    command = ActivateMember(
        command_id=uid(9), store="DEFAULT", member_id=MEMBER, issued_at=NOON, code="000000"
    )

    account.run.when(command, command, command)

    assert [fact.purposes for fact in account.run.facts(WrongCodeGiven)] == [("activation",)]
    assert account.run.rejections() == ["code … is not the one that was sent last"] * 3


def test_an_administrator_needs_no_code_though_it_is_void(account: Account) -> None:
    account.tell(SignUpMember, profile=Profile(email="anna@example.com"))
    for _ in range(MAX_CODE_TRIES):
        account.tell(ActivateMember, code="000000")

    assert account.tell(ActivateMember) is None

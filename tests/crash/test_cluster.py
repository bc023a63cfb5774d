"""Three brokers of which one at a time is killed, cut off or frozen: the same verdict as on one."""

import sys
from pathlib import Path

import pytest

from tests.crash.plan import SINKS, WORKERS, Blow, chosen, plan
from tests.crash.restored import of_identifiers
from tests.crash.run import run
from tests.driver import Pipeline
from tests.samples import NOON, SETTINGS, register, uid

SEED = 1999


@pytest.mark.crash
def test_what_was_struck_on_three_brokers_equals_the_models_run(tmp_path: Path) -> None:
    blows = [
        Blow("kill", "broker-1", 2.0),
        Blow("kill", WORKERS[0]),
        Blow("cut", "broker-2", 5.0),
        Blow("wipe", WORKERS[1]),
        Blow("freeze", "broker-3", 5.0),
        Blow("kill", SINKS[0]),
    ]

    report = run(chosen(SEED, blows, brokers=3), tmp_path, lambda _: None)

    sys.stdout.write(f"{report}\n")
    assert report.dealt == {
        "kill broker": 1,
        "cut broker": 1,
        "freeze broker": 1,
        "kill worker": 1,
        "wipe worker": 1,
        "kill sink": 1,
    }
    assert not report.complaints, str(report)


def test_a_plan_for_three_brokers_strikes_each_of_them_in_every_way() -> None:
    steps = plan(7, 200, brokers=3).steps

    blows = {(step.blow.kind, step.blow.victim) for step in steps if "broker" in step.blow.victim}
    assert {kind for kind, _ in blows} == {"kill", "cut", "freeze", "restart"}
    assert {victim for _, victim in blows} == {"broker-1", "broker-2", "broker-3"}


def test_the_verdict_complains_of_two_members_with_one_identifier() -> None:
    one, other = Pipeline(SETTINGS, now=NOON), Pipeline(SETTINGS, now=NOON)
    one.when(register(uid(1), email="anna@example.com"))
    other.when(register(uid(2), email="anna@example.com"))

    of_one = list(of_identifiers([one.tables], [one.identifiers]))
    of_both = list(of_identifiers([one.tables, other.tables], [one.identifiers]))

    assert of_one == []
    assert len(of_both) == 1
    assert "anna@example.com is claimed by" in of_both[0]

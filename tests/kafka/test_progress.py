"""A long restore is seen; a short one says nothing."""

import io
import logging
from collections.abc import Callable

import pytest
from rich.console import Console

from streams.runtime.metrics import Metrics
from streams.runtime.restore_progress import RestoreProgress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def restored(
    restores: RestoreProgress, clock: Clock, steps: list[tuple[float, int]], total: int = 1000
) -> None:
    """Seconds since the start, and how many records have been read by then."""
    begun = clock.now
    with restores.shown("commands", 3) as report:
        for seconds, done in steps:
            clock.now = begun + seconds
            report(done, total)


def test_a_long_restore_is_told_of_every_few_seconds(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()

    steps = [(0.5, 50), (1.0, 100), (3.0, 300), (6.0, 400), (7.0, 450), (11.5, 920), (16.5, 1000)]
    restored(RestoreProgress(Metrics(), clock=clock), clock, steps)

    assert caplog.messages == [
        "commands[3]: restoring: 100 of 1000 changelog records, 100/s, 9 s left",
        "commands[3]: restoring: 400 of 1000 changelog records, 67/s, 9 s left",
        "commands[3]: restoring: 920 of 1000 changelog records, 80/s, 1 s left",
    ]


def test_a_restore_that_waits_for_its_first_record_says_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()

    restored(RestoreProgress(Metrics(), clock=clock), clock, [(2.0, 0)])

    assert caplog.messages == [
        "commands[3]: restoring: 0 of 1000 changelog records, 0/s, nothing read yet",
    ]


def test_a_short_restore_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock, screen = Clock(), io.StringIO()

    restored(RestoreProgress(Metrics(), clock=clock), clock, [(0.3, 500), (0.9, 1000)])
    restored(RestoreProgress(Metrics(), terminal(screen), clock), clock, [(0.3, 500), (0.9, 1000)])

    assert caplog.messages == []
    assert screen.getvalue() == ""


def terminal(screen: io.StringIO) -> Console:
    return Console(file=screen, force_terminal=True, width=100)


def test_a_terminal_gets_a_bar_that_goes_when_all_is_restored() -> None:
    clock, screen = Clock(), io.StringIO()
    restores = RestoreProgress(Metrics(), terminal(screen), clock)

    with restores.shown("commands", 3) as report, restores.shown("commands", 4) as other:
        clock.now += 1.5
        report(400, 1000)
        other(1, 2000)
        assert restores.bars == ["commands[3]", "commands[4]"]

    assert restores.bars == []
    assert "restoring commands[3]" in screen.getvalue()
    assert "400/1000" in screen.getvalue()
    assert "1/2000" in screen.getvalue()


@pytest.mark.parametrize("shown", [None, terminal])
def test_the_gauge_follows_and_ends_at_nothing(shown: Callable[[io.StringIO], Console] | None) -> None:
    clock, metrics = Clock(), Metrics()
    restores = RestoreProgress(metrics, shown and shown(io.StringIO()), clock)

    def left() -> float | None:
        labels = {"source": "commands", "partition": "3"}
        return metrics.registry.get_sample_value("loyalty_restore_records_left", labels)

    with restores.shown("commands", 3) as report:
        report(400, 1000)
        assert left() == 600

    assert left() == 0

"""`--supervise`: restarts what ends unexpectedly, and nothing else."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.cli.supervise import child_environments
from api.cli.supervisor import count_failures, restart_wait
from streams.settings import Settings
from tests.kafka.processes import LOYALTY, environment

SUPERVISOR = """
import asyncio, sys
from api.cli.processes import set_up_logging
from api.cli.supervisor import Supervisor
set_up_logging("test supervisor")
sys.exit(asyncio.run(Supervisor("test", sys.argv[1:], jitter=lambda: 0.0).run()))
"""
# Says its number, counted in a file, and its pid.
COUNTED = """
import os, sys, time
from pathlib import Path
lives = Path(sys.argv[1])
number = len(lives.read_text()) + 1 if lives.exists() else 1
lives.write_text("x" * number)
print(number, os.getpid(), flush=True)
"""


@contextmanager
def supervised(code: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A supervisor whose child runs the code; not left running."""
    command = [sys.executable, "-c", SUPERVISOR, sys.executable, "-c", code, *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def child(process: "subprocess.Popen[str]") -> tuple[int, int]:
    """The number of its life and its pid, as it says them."""
    assert process.stdout is not None
    number, pid = process.stdout.readline().split()
    return int(number), int(pid)


def test_waits_double_from_one_second_to_five_and_so_do_not_outlast_an_outage() -> None:
    assert [restart_wait(failures, 0.0) for failures in range(1, 6)] == [1, 2, 4, 5, 5]
    assert (restart_wait(1, 1.0), restart_wait(2, 0.5), restart_wait(5000, 1.0)) == (1.5, 2.5, 5.0)


def test_after_a_minute_of_life_the_waits_begin_again() -> None:
    assert [count_failures(4, lived) for lived in (0.0, 59.9, 60.0, 7200.0)] == [5, 5, 1, 1]
    assert restart_wait(count_failures(4, 60.0), 0.0) == 1.0


def test_what_ends_unexpectedly_is_started_again_with_a_line(tmp_path: Path) -> None:
    code = COUNTED + "sys.exit(0 if number == 3 else 7)"

    with supervised(code, str(tmp_path / "lives")) as process:
        said, errors = process.communicate(timeout=30)

    assert process.returncode == 0
    assert [line.split()[0] for line in said.splitlines()] == ["1", "2", "3"]
    assert [line.partition("supervisor: ")[2] for line in errors.splitlines()] == [
        "ended with exit code 7: started again in 1.0 s",
        "ended with exit code 7: started again in 2.0 s",
    ]


def test_what_is_killed_is_started_again(tmp_path: Path) -> None:
    code = COUNTED + "time.sleep(60)"

    with supervised(code, str(tmp_path / "lives")) as process:
        _, pid = child(process)
        os.kill(pid, signal.SIGKILL)
        number, second = child(process)
        process.terminate()
        assert process.stderr is not None
        errors = process.stderr.read()

    assert number == 2
    assert second != pid
    assert "ended with exit code 137: started again in 1.0 s" in errors


def test_what_is_misconfigured_is_not_started_again(tmp_path: Path) -> None:
    with supervised(COUNTED + "sys.exit(2)", str(tmp_path / "lives")) as process:
        _, errors = process.communicate(timeout=30)

    assert process.returncode == 2
    assert errors == ""
    assert (tmp_path / "lives").read_text() == "x"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_passed_on_and_ends_both(tmp_path: Path, number: signal.Signals) -> None:
    # Waited for, not handled: it may come before a sleep begins.
    block = (
        "import signal, sys\nnumbers = [int(sys.argv[2])]\nsignal.pthread_sigmask(signal.SIG_BLOCK, numbers)"
    )
    code = block + COUNTED + "signal.sigwait(numbers)"

    with supervised(code, str(tmp_path / "lives"), str(int(number))) as process:
        child(process)
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)

    assert process.returncode == 0
    assert errors == ""
    assert (tmp_path / "lives").read_text() == "x"


def test_a_signal_between_two_lives_ends_the_wait(tmp_path: Path) -> None:
    with supervised(COUNTED + "sys.exit(7)", str(tmp_path / "lives")) as process:
        assert process.stderr is not None
        assert "started again" in process.stderr.readline()
        process.terminate()

        assert process.wait(30) == 7

    assert (tmp_path / "lives").read_text() == "x"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_the_child_ends_with_a_killed_supervisor(tmp_path: Path) -> None:
    with supervised(COUNTED + "time.sleep(60)", str(tmp_path / "lives")) as process:
        _, pid = child(process)

        process.kill()

        waiting = ["tail", f"--pid={pid}", "-f", os.devnull]
        assert subprocess.run(waiting, timeout=20, check=True).returncode == 0


@pytest.mark.parametrize("role", ["worker", "sink"])
def test_a_killed_process_of_ours_comes_back_ready(settings: Settings, role: str) -> None:
    with subprocess.Popen(
        [LOYALTY, role, "--supervise"],
        env=environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"{role} is ready\n"
            os.kill(only_child(process.pid), signal.SIGKILL)
            assert process.stdout.readline() == f"{role} is ready\n"
            process.terminate()
            assert process.wait(30) == 0
        finally:
            process.kill()


TOGETHER = """
import asyncio, sys
from api.cli.supervisor import Supervisor, run_together
both = [Supervisor(name, [*sys.argv[1:], name], jitter=lambda: 0.0) for name in ("one", "two")]
sys.exit(asyncio.run(run_together(both)))
"""


@contextmanager
def together(code: str) -> Iterator["subprocess.Popen[str]"]:
    """Two supervised children that run the code, each with a name as its argument; not left running."""
    command = [sys.executable, "-c", TOGETHER, sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_signal_ends_all_children(number: signal.Signals) -> None:
    code = (
        "import signal, sys\nnumbers = [signal.SIGTERM, signal.SIGINT]\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, numbers)\n"
        "print(sys.argv[1], flush=True)\nprint(int(signal.sigwait(numbers)), flush=True)"
    )

    with together(code) as process:
        assert process.stdout is not None
        assert {process.stdout.readline(), process.stdout.readline()} == {"one\n", "two\n"}
        process.send_signal(number)
        said, _ = process.communicate(timeout=30)

    assert process.returncode == 0
    # Both write to one pipe, where a line's end may come after the other's number.
    assert "".join(said.split()) == str(int(number)) * 2


def test_a_child_that_is_misconfigured_ends_the_others() -> None:
    code = "import sys, time\nsys.exit(2) if sys.argv[1] == 'two' else time.sleep(60)"

    with together(code) as process:
        assert process.wait(30) == 2


def test_children_beside_each_other_share_no_name_and_no_port() -> None:
    settings = Settings(instance="shop", metrics_port="9000", partitions=6)

    own = list(child_environments(settings, 3))

    assert own == [
        {"LOYALTY_INSTANCE": f"shop-{number}", "LOYALTY_METRICS_PORT": str(9000 + number)}
        for number in range(3)
    ]


def test_without_a_number_no_more_children_are_started_than_there_are_partitions() -> None:
    assert len(list(child_environments(Settings(partitions=1), 0))) == 1


def only_child(pid: int) -> int:
    (number,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(number)


def test_a_misconfigured_process_says_its_sentence_once(settings: Settings) -> None:
    done = subprocess.run(
        [LOYALTY, "worker", "--supervise"],
        env=environment(settings, LOYALTY_PARTITIONS="none"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.count("Error: LOYALTY_PARTITIONS='none' is not valid") == 1

"""`loyalty demo` as a user runs it: it plays, balances its books, and leaves nothing running."""

import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import httpx
import pytest

from connectors import cdnow

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
COMMAND = (sys.executable, "-c", "from api.cli import main; main()", "demo")
Demo = subprocess.Popen[str]
Started = Callable[..., Demo]


@pytest.fixture
def demo(bootstrap_servers: str, tmp_path: Path) -> Iterator[Started]:
    """Starts demos of this test's home; none outlives the test."""
    environment = os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers,
        "LOYALTY_HOME": str(tmp_path),
        "LOYALTY_PARTITIONS": "2",
        "COLUMNS": "100",
    }
    with ExitStack() as stack:

        def start(*arguments: str) -> Demo:
            process = subprocess.Popen(
                (*COMMAND, *arguments),
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


@pytest.fixture
def few(tmp_path: Path) -> str:
    """A file of few purchases."""
    file = tmp_path / "few.txt"
    file.write_text("\n".join(cdnow.EXTRACT.read_text().splitlines()[:12]))
    return str(file)


def until(process: Demo, text: str) -> str:
    """The output up to the line that holds `text`."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    pytest.fail(f"ended without {text!r}:\n{''.join(lines)}")


def running(home: Path) -> dict[int, str]:
    """The processes of this home, by their sub-command; one of another program by that program's name."""
    found = {}
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            if f"LOYALTY_HOME={home}\0".encode() in (folder / "environ").read_bytes():
                command = (folder / "cmdline").read_bytes().decode().split("\0")
                found[int(folder.name)] = next((w for w in command[3:] if w), Path(command[2]).stem)
    return found


def ended(pid: int, within: float = 20) -> bool:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with closing(os.fdopen(process)):
        return bool(select.select([process], [], [], within)[0])


def test_what_the_receiver_got_is_what_was_published(demo: Started, tmp_path: Path) -> None:
    process = demo("--purchases", str(cdnow.EXTRACT))

    output, _ = process.communicate(timeout=120)

    assert process.returncode == 0, output
    counts = re.findall(r"^ (\w+(?:, legacy)?) +([\d,]+) +1 +([\d,]+) +✓", output, re.MULTILINE)
    assert {name: (int(published), int(received)) for name, published, received in counts} == {
        "AvailablePointsAmountChanged": (325, 325),
        "CampaignEffectWasApplied": (163, 163),
        "CustomerBoughtReward": (26, 26),
        "CustomerRegistered": (60, 60),
        "CustomerRegistered, legacy": (60, 60),
        "PointsWillExpire": (128, 128),
        "TransactionAssignedToCustomer": (163, 163),
        "TransactionRegistered": (163, 163),
    }
    assert re.search(r"delivered +1,088 ", output)
    assert '"eventName": "AvailablePointsAmountChanged"' in output
    assert running(tmp_path) == {}
    assert list((tmp_path / "state").iterdir()) == []


def test_bad_records_are_refused_with_their_reasons_and_change_nothing(demo: Started, few: str) -> None:
    process = demo("--purchases", few)

    output, _ = process.communicate(timeout=120)

    assert process.returncode == 0, output
    text = re.sub(r"\s+", " ", output)
    assert "is not registered in store 'CDSHOP'" in text
    assert "units 1000000 is more than the" in text
    assert re.search(r"document_number CDNOW-\d+ is already registered, as transaction", text)
    assert "is no RegisterTransaction.v1: EOFError" in text
    assert re.search(r"\n TransactionRegistered +12 ", output)


def test_kept_up_it_answers_until_ctrl_c(demo: Started, few: str, tmp_path: Path) -> None:
    process = demo("--keep", "--purchases", few)

    output = until(process, "Ctrl-C stops everything.")
    found = re.search(r"^curl -H '(.+): (.+)' '(http.+)'$", output, re.MULTILINE)
    assert found is not None
    header, key, url = found.groups()
    listed = httpx.get(url, headers={header: key}, trust_env=False)
    assert listed.json()["total"]["all"] == 19
    assert httpx.get(url, trust_env=False).status_code == 401
    process.send_signal(signal.SIGINT)

    assert process.wait(60) == 0
    assert running(tmp_path) == {}


def test_kept_up_it_lets_one_into_its_panel(demo: Started, few: str, tmp_path: Path) -> None:
    process = demo("--keep", "--purchases", few)
    output = until(process, "Ctrl-C stops everything.")
    found = re.search(r"^Panel +(http\S+)\n +user name (\S+), password (\S+) ", output, re.MULTILINE)
    assert found is not None
    panel, username, password = found.groups()

    with httpx.Client(trust_env=False, follow_redirects=True) as browser:
        asked = browser.get(panel)
        said = {"username": username, "password": password}
        entered = browser.post(asked.url.copy_remove_param("next"), data=said)

    assert (asked.url.path, entered.url.path) == ("/panel/login", "/panel/CDSHOP/webhooks")
    assert "19 of 19 webhooks" in entered.text
    assert not any(password.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_a_command_without_an_address_finds_the_demo_that_runs(
    demo: Started, few: str, tmp_path: Path
) -> None:
    process = demo("--keep", "--purchases", few)
    output = until(process, "Ctrl-C stops everything.")
    prefix = re.search(r"Topics: (demo-[\d-]+\.)\*", output)
    assert prefix is not None
    environment = os.environ | {
        "LOYALTY_HOME": str(tmp_path),
        "KAFKA_BOOTSTRAP_SERVERS": "",
        "COLUMNS": "200",
    }

    listed = subprocess.run(
        [*COMMAND[:-1], "poison", "list"], env=environment, capture_output=True, text=True, check=False
    )
    process.send_signal(signal.SIGINT)

    assert process.wait(60) == 0
    assert output.startswith("Panel ")
    assert re.search(
        rf"^Using the demo \(pid {process.pid}\): Kafka .*, prefix '{prefix[1]}'$", listed.stderr, re.M
    )
    assert (listed.returncode, "is no RegisterTransaction.v1: EOFError" in listed.stdout) == (0, True)
    assert list((tmp_path / "running").iterdir()) == []


def test_ctrl_c_in_the_middle_leaves_nothing(demo: Started, tmp_path: Path) -> None:
    process = demo("--purchases", str(cdnow.EXTRACT))
    until(process, " TransactionRegistered member ")
    # The API asks for the members of groups by way of another program, once it has begun to look.
    assert {*running(tmp_path).values()} - {"group_describer"} == {
        "api",
        "demo",
        "receiver",
        "sink",
        "worker",
    }

    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in output
    assert running(tmp_path) == {}


def test_its_processes_end_with_it_even_when_it_is_killed(demo: Started, tmp_path: Path) -> None:
    process = demo("--purchases", str(cdnow.EXTRACT))
    until(process, " TransactionRegistered member ")
    started = running(tmp_path)

    process.kill()

    assert len(started) >= 5
    assert all(ended(pid) for pid in started)


def test_a_process_that_ends_ends_the_demo_with_its_last_words(demo: Started, tmp_path: Path) -> None:
    process = demo("--purchases", str(cdnow.EXTRACT))
    until(process, " TransactionRegistered member ")

    (sink,) = (pid for pid, name in running(tmp_path).items() if name == "sink")
    os.kill(sink, signal.SIGKILL)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 2
    assert f"Error: The demo's sink ended with exit code -9; its log is {tmp_path}/demo/sink.log" in output
    assert "sink is ready" in output
    assert running(tmp_path) == {}


def test_a_file_of_something_else_is_refused_before_anything_starts(demo: Started, tmp_path: Path) -> None:
    file = tmp_path / "purchases.txt"
    file.write_text("00004 0001 19970101 2 29.33\n00004 0001 1997-01-18 2 29.73\n")

    output, _ = demo("--purchases", str(file)).communicate(timeout=60)

    assert output == (f"Error: --purchases {file}: line 2: date '1997-01-18' must be a day as yyyymmdd\n")
    assert not (tmp_path / "demo").exists()

"""Which Kafka a command works with: what is set, what runs, the local broker, or none."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from api.cli.cluster_choice import is_cluster_known, locate_cluster
from api.cli.system_notes import describe_process, publish_note, read_systems
from streams.errors import Misconfigured, Retryable
from streams.settings import Settings

NO_KAFKA = (
    "There is no Kafka to work with: set KAFKA_BOOTSTRAP_SERVERS=host:port of your cluster, or start a local "
    "broker with `loyalty broker start`"
)
NOTES_UNTIL_KILLED = """
import sys
from pathlib import Path
from api.cli.system_notes import describe_process, publish_note
from streams.settings import Settings
settings = Settings(home=Path(sys.argv[1]))
with publish_note(settings.home, describe_process("worker", settings, "127.0.0.1:1", None)):
    print("noted", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def listener() -> Iterator[str]:
    """The address of something that listens, as Kafka does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def notes() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def note(notes: ExitStack, home: Path, servers: str, role: str = "demo", **more: str) -> None:
    """What a process of another environment notes in `home`."""
    process = Settings(home=home, **more)  # type: ignore[arg-type]
    notes.enter_context(publish_note(home, describe_process(role, process, servers, None)))


def test_without_an_address_the_running_system_is_used_and_named(
    tmp_path: Path, listener: str, notes: ExitStack, capsys: pytest.CaptureFixture[str]
) -> None:
    note(notes, tmp_path, listener, topic_prefix="demo-1.", clock="stream")

    found = locate_cluster(Settings(home=tmp_path))

    assert (found.bootstrap_servers, found.topic_prefix, found.clock) == (listener, "demo-1.", "stream")
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Using the demo (pid ")
    assert said.err.endswith(f"): Kafka {listener}, prefix 'demo-1.'\n")


def test_an_address_that_is_set_is_used_whatever_runs(
    tmp_path: Path, listener: str, notes: ExitStack, capsys: pytest.CaptureFixture[str]
) -> None:
    note(notes, tmp_path, listener, topic_prefix="demo-1.")

    found = locate_cluster(Settings(home=tmp_path, bootstrap_servers="10.0.0.1:9092"))

    assert (found.bootstrap_servers, found.topic_prefix) == ("10.0.0.1:9092", "loyalty.")
    assert capsys.readouterr().err == ""


def test_a_prefix_chooses_one_of_several_systems(tmp_path: Path, listener: str, notes: ExitStack) -> None:
    note(notes, tmp_path, listener, topic_prefix="demo-1.")
    note(notes, tmp_path, listener, role="worker", topic_prefix="shop.")

    found = locate_cluster(Settings(home=tmp_path, topic_prefix="shop."))
    with pytest.raises(
        Misconfigured, match=r"^2 systems run in .*prefix 'shop\.'; .*prefix 'demo-1\.'\. Set"
    ):
        locate_cluster(Settings(home=tmp_path))

    assert found.topic_prefix == "shop."


def test_a_process_that_stays_up_joins_no_running_system(
    tmp_path: Path, listener: str, notes: ExitStack
) -> None:
    note(notes, tmp_path, listener)

    with pytest.raises(Misconfigured, match="There is no Kafka to work with"):
        locate_cluster(Settings(home=tmp_path), serves=True)


def test_a_system_whose_kafka_is_gone_is_named(tmp_path: Path, notes: ExitStack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        gone = f"127.0.0.1:{server.getsockname()[1]}"
    note(notes, tmp_path, gone)

    with pytest.raises(
        Retryable, match=rf"the demo \(pid \d+\) notes that its Kafka is at {gone}, and nothing"
    ):
        locate_cluster(Settings(home=tmp_path))


def test_the_note_of_a_killed_process_is_removed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", NOTES_UNTIL_KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "noted\n"
        assert [system.newest.pid for system in read_systems(tmp_path)] == [process.pid]
        assert is_cluster_known(Settings(home=tmp_path))
        process.kill()

    assert read_systems(tmp_path) == []
    assert list((tmp_path / "running").iterdir()) == []


def test_a_process_that_ends_in_order_leaves_no_note(tmp_path: Path, listener: str) -> None:
    with ExitStack() as stack:
        note(stack, tmp_path, listener)
        (file,) = (tmp_path / "running").iterdir()
        assert file.name.startswith("demo-")

    assert list((tmp_path / "running").iterdir()) == []


LOOKING = [
    ("topics", "list"),
    ("topics", "create"),
    ("topics", "apply"),
    ("poison", "list"),
    ("dead-letters", "list"),
    ("audit", "list"),
    ("admin", "list"),
    ("reconcile",),
]


@pytest.mark.parametrize("command", LOOKING)
def test_no_command_starts_a_broker_or_makes_anything_where_there_is_none(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    home = tmp_path / "home"

    environment = {"LOYALTY_HOME": str(home), "KAFKA_BOOTSTRAP_SERVERS": ""}
    answer = CliRunner().invoke(app, [*command], env=environment)

    assert isinstance(answer.exception, Misconfigured)
    assert str(answer.exception) == NO_KAFKA
    assert not home.exists()

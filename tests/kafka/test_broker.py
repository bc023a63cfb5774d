"""The local broker as its users meet it: it starts, keeps, stops, and says what it lacks."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import which

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.errors import Misconfigured
from streams.local_broker import LocalBroker, detached, ensure_broker, jars, ports, storage
from streams.settings import Settings

Made = Callable[..., LocalBroker]


@pytest.fixture
def broker(tmp_path: Path, libraries: Path) -> Iterator[Made]:
    """Makes brokers of this test's home; none outlives the test."""
    with ExitStack() as stack:

        def make(home: Path = tmp_path, **options: object) -> LocalBroker:
            made = LocalBroker(home, **({"libraries": libraries} | options))  # type: ignore[arg-type]
            stack.callback(made.stop)
            return made

        yield make


def write(bootstrap: str, text: str) -> None:
    """One record on the topic `kept`, acknowledged by the broker."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    if "kept" not in admin.list_topics(timeout=5).topics:
        admin.create_topics([NewTopic("kept", 1)])["kept"].result(10)
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce("kept", text)
    assert producer.flush(10) == 0


def read(bootstrap: str, count: int) -> list[str]:
    """The first `count` records of `kept`, waited for."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "readers", "auto.offset.reset": "earliest"}
        | {"enable.auto.commit": False}
    )
    consumer.subscribe(["kept"])
    values = [record.value() for record in consumer.consume(count, timeout=20)]
    consumer.close()
    return [value.decode() for value in values if value is not None]


def ended(pid: int, within: float = 20) -> bool:
    """Whether no process of that number is left; `tail --pid` waits for one that is not our child."""
    waiting = ["tail", f"--pid={pid}", "-f", os.devnull]
    return subprocess.run(waiting, timeout=within, check=True).returncode == 0


def test_what_was_written_is_there_after_a_stop_and_after_a_power_cut(broker: Made) -> None:
    kafka = broker()

    bootstrap = kafka.start()
    write(bootstrap, "before the stop")
    kafka.stop()
    assert kafka.start() == bootstrap
    write(bootstrap, "before the power cut")
    kafka.kill()
    assert kafka.start() == bootstrap

    assert read(bootstrap, 2) == ["before the stop", "before the power cut"]


def test_after_a_stop_nothing_is_left_running(broker: Made) -> None:
    kafka = broker()
    kafka.start()
    pid = kafka.pid
    assert pid

    kafka.stop()

    assert kafka.pid is None
    assert ended(pid)
    assert ports.is_free(kafka.port)


def test_a_taken_port_is_passed_over_and_a_chosen_one_refused(broker: Made) -> None:
    with ExitStack() as stack:
        if ports.is_free(ports.DEFAULT_PORT):
            stack.enter_context(socket.create_server((ports.HOST, ports.DEFAULT_PORT)))

        kafka = broker()
        kafka.start()
        with pytest.raises(Misconfigured, match=r"Port 9092 of 127\.0\.0\.1 is taken"):
            broker(kafka.folder / "second", port=9092).start()

    assert kafka.port > ports.DEFAULT_PORT


def test_brokers_started_at_once_end_up_at_different_ports(broker: Made, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        bootstraps = list(pool.map(lambda name: broker(tmp_path / name).start(), ["one", "two"]))

    assert len(set(bootstraps)) == 2


def test_a_second_broker_on_the_same_data_is_refused(broker: Made) -> None:
    first = broker()
    first.start()

    with pytest.raises(Misconfigured, match="Another local broker is using"):
        broker().start()

    assert first.pid


def test_a_home_may_have_blanks_and_foreign_letters(broker: Made, tmp_path: Path) -> None:
    kafka = broker(tmp_path / "Treueprogramm für Zoë 🛍")

    write(kafka.start(), "kept")

    assert (kafka.data / "kept-0").is_dir()


def test_data_of_a_newer_kafka_is_moved_aside_whole(broker: Made) -> None:
    told: list[str] = []
    kafka = broker(say=told.append)
    kafka.data.mkdir(parents=True)
    (kafka.data / storage.VERSION_FILE).write_text("99.1.0")
    (kafka.data / "precious").write_text("points")

    kafka.start()

    (aside,) = kafka.folder.glob("data-of-kafka-99.1.0-*")
    assert (aside / "precious").read_text() == "points"
    assert any(str(aside) in sentence for sentence in told)


def test_a_folder_of_something_else_is_not_touched(broker: Made) -> None:
    kafka = broker()
    kafka.data.mkdir(parents=True)
    (kafka.data / "photo").touch()

    with pytest.raises(Misconfigured, match="holds no Kafka data"):
        kafka.start()

    assert [file.name for file in kafka.data.iterdir()] == ["photo"]


def test_a_broker_that_cannot_start_says_why(broker: Made) -> None:
    kafka = broker()
    kafka.start()
    kafka.stop()
    (kafka.data / "meta.properties").write_text(f"version=1\ncluster.id={'x' * 22}\nnode.id=7\n")

    with pytest.raises(Exception, match="ended at its start") as raised:
        kafka.start()

    assert "node" in str(raised.value)
    assert kafka.pid is None


def test_without_java_one_sentence_names_the_three_ways_out(broker: Made, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as raised:
        broker(path=str(tmp_path)).start()

    assert str(raised.value) == (
        "The local Kafka broker needs Java, and there is none: install Java 17+ and Maven; or run "
        "`docker compose up -d` and set KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092; or set "
        "KAFKA_BOOTSTRAP_SERVERS to a cluster of your own."
    )


def test_a_java_that_is_too_old_is_named(broker: Made, tmp_path: Path) -> None:
    program(tmp_path / "java", "echo 'openjdk version \"1.8.0_402\"' >&2")

    with pytest.raises(Misconfigured, match=r"cannot run on Java 8 \(.*/java\): install Java 17\+"):
        broker(path=str(tmp_path)).start()


def test_maven_is_missed_only_while_the_jars_are(broker: Made, tmp_path: Path) -> None:
    java = which("java")
    assert java
    (tmp_path / "java").symlink_to(java)
    broker().start()  # whoever runs this test first fetches the jars

    broker(tmp_path / "other", path=str(tmp_path)).start()
    with pytest.raises(Misconfigured, match=r"needs Maven .*: install Java 17\+ and Maven; or run `docker"):
        broker(tmp_path / "third", path=str(tmp_path), libraries=tmp_path / "libs").start()


def test_a_failing_maven_leaves_no_half_of_the_jars(tmp_path: Path) -> None:
    program(tmp_path / "mvn", "echo '[ERROR] no route to the repository'; exit 1")
    libraries = tmp_path / "libs"

    with pytest.raises(
        Misconfigured, match=r"could not fetch Apache Kafka 4\.4\.0: .*no route to the repository"
    ):
        jars.fetch_jars(libraries, lambda _: None, str(tmp_path))

    assert not libraries.exists()


def test_processes_that_need_the_jars_at_once_fetch_them_once(tmp_path: Path) -> None:
    program(tmp_path / "mvn", f"echo fetched >> {tmp_path / 'runs'}")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: jars.fetch_jars(tmp_path / "libs", lambda _: None, path), range(4)))

    assert (tmp_path / "runs").read_text() == "fetched\n"


STARTED_IN_A_THREAD_THAT_ENDS = """
import sys, threading
from pathlib import Path
from streams.local_broker import LocalBroker
broker = LocalBroker(Path(sys.argv[1]), libraries=Path(sys.argv[2]))
thread = threading.Thread(target=broker.start)
thread.start()
thread.join()
print(broker.pid, flush=True)
sys.stdin.read()
"""
STARTED_IN_A_BLOCK = """
import sys
from pathlib import Path
from streams.local_broker import LocalBroker
with LocalBroker(Path(sys.argv[1]), libraries=Path(sys.argv[2])) as broker:
    try:
        # Inside: the Ctrl-C may come as soon as this is read.
        print(broker.pid, flush=True)
        sys.stdin.read()
    except KeyboardInterrupt:
        assert broker.pid, "the broker got the terminal's Ctrl-C"
"""


@contextmanager
def starter(code: str, home: Path, libraries: Path) -> "Iterator[tuple[subprocess.Popen[bytes], int]]":
    """Another process that starts a broker, in a terminal session of its own; and the broker's pid."""
    command = [sys.executable, "-c", code, str(home), str(libraries)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, start_new_session=True) as process:  # type: ignore[call-overload]
        yield process, int(process.stdout.readline())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_broker_ends_with_its_starter_even_a_killed_one(tmp_path: Path, libraries: Path) -> None:
    # The leash must hold on to the process, not to the thread that called.
    with starter(STARTED_IN_A_THREAD_THAT_ENDS, tmp_path, libraries) as (process, pid):
        assert process.poll() is None

        process.kill()

    assert ended(pid)


def test_ctrl_c_lets_the_starter_stop_the_broker_in_order(tmp_path: Path, libraries: Path) -> None:
    with starter(STARTED_IN_A_BLOCK, tmp_path, libraries) as (process, pid):
        os.killpg(process.pid, signal.SIGINT)

        assert process.wait(60) == 0

    assert ended(pid)
    assert (tmp_path / "broker" / "data" / ".kafka_cleanshutdown").exists()


def test_a_detached_broker_is_found_again_and_stopped_by_anyone(tmp_path: Path, libraries: Path) -> None:
    link(libraries, tmp_path)
    loyalty = [str(Path(sys.executable).with_name("loyalty")), "broker"]
    environment = os.environ | {"LOYALTY_HOME": str(tmp_path)}

    def run(command: str) -> tuple[int, str]:
        done = subprocess.run(
            [*loyalty, command], env=environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    started = run("start")
    noted = json.loads((tmp_path / "broker" / "broker.json").read_text())
    bootstrap, pid = noted["bootstrap"], noted["pid"]
    again, status, stopped, after = run("start"), run("status"), run("stop"), run("status")

    assert started[0] == 0
    assert f"Kafka is ready: {bootstrap} (pid {pid})" in started[1]
    assert again == (0, f"Already running: {bootstrap} (pid {pid})\n")
    assert status[0] == 0
    assert f"Running: {bootstrap} (pid {pid})" in status[1]
    assert stopped == (0, f"Stopped: {bootstrap} (pid {pid})\n")
    assert after == (3, f"No broker is running in {tmp_path}.\n")
    assert ended(pid)


def test_a_note_about_a_process_that_is_no_broker_is_not_believed(tmp_path: Path) -> None:
    note = tmp_path / "broker" / "broker.json"
    note.parent.mkdir()
    note.write_text(json.dumps({"pid": os.getpid(), "port": 9092, "bootstrap": "127.0.0.1:9092"}))

    assert detached.running(tmp_path) is None
    assert detached.stop_detached(tmp_path) is None


def test_a_given_cluster_is_used_and_nothing_started(tmp_path: Path) -> None:
    threads = threading.active_count()

    with ensure_broker(Settings(bootstrap_servers="10.0.0.1:9092", home=tmp_path)) as bootstrap:
        assert bootstrap == "10.0.0.1:9092"
        assert threading.active_count() == threads

    assert list(tmp_path.iterdir()) == []


def test_a_broker_left_running_is_used_and_left_running(tmp_path: Path, libraries: Path) -> None:
    link(libraries, tmp_path)
    settings = Settings(bootstrap_servers=None, home=tmp_path)
    left = detached.start_detached(tmp_path)
    try:
        with ensure_broker(settings) as bootstrap:
            assert bootstrap == left.bootstrap

        assert detached.running(tmp_path) == left
    finally:
        detached.stop_detached(tmp_path)


def test_otherwise_a_broker_lives_for_the_length_of_the_block(tmp_path: Path, libraries: Path) -> None:
    link(libraries, tmp_path)
    with ensure_broker(Settings(bootstrap_servers=None, home=tmp_path)) as bootstrap:
        assert AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=5).brokers

    assert ports.is_free(int(bootstrap.rpartition(":")[2]))


def link(libraries: Path, home: Path) -> None:
    """Gives `home` the jars that are already there."""
    jars.fetch_jars(libraries, lambda _: None)
    (home / "broker").mkdir()
    (home / "broker" / libraries.name).symlink_to(libraries)


def program(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)

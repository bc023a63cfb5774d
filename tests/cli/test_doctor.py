"""`loyalty doctor`: each line is ok, advice, or wrong with what to do."""

import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from api.cli.doctor.cluster import describe_brokers, describe_clock, describe_replicas
from api.cli.doctor.findings import Finding, describe_report
from api.cli.doctor.machine import check_api_port, check_disk, check_secret_key
from api.cli.doctor.records import check_secrets, check_stores
from api.process.port_holder import TITLE, describe_port_holder
from streams.delivery.records import Header, Subscription
from streams.delivery.subscription import Subscriptions
from streams.kafka.cluster_inspection import PartitionReplicas, read_version
from streams.secrets.sealing import SecretSealer, new_key
from streams.settings import Settings
from tests.samples import NOON, uid

OPENAPI = Path(__file__).parents[2] / "api" / "openapi.json"


def with_secret(sealer: SecretSealer) -> Subscription:
    """A subscription whose requests bear a sealed header."""
    return Subscription(
        subscription_id=uid(1),
        store="DEFAULT",
        event_name="CustomerRegistered",
        url="https://example.com/",
        created_at=NOON,
        headers=(Header(name="X-Key", value="", sealed=sealer.seal("hunter2")),),
    )


@pytest.fixture
def web_server() -> Iterator[tuple[int, dict[str, bytes]]]:
    """The port of a server, and what it answers to each path; 404 to others."""
    pages: dict[str, bytes] = {}

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path)
            self.send_response(200 if page is not None else 404)
            self.end_headers()
            self.wfile.write(page or b"")

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1], pages
        server.shutdown()
        thread.join()


def test_without_kafka_it_says_so_and_what_the_machine_is_like(tmp_path: Path) -> None:
    environment = {"LOYALTY_HOME": str(tmp_path), "KAFKA_BOOTSTRAP_SERVERS": "", "LOYALTY_API_PORT": "0"}

    answer = CliRunner().invoke(app, ["doctor", "--json"], env=environment)

    report = json.loads(answer.stdout)
    levels = {one["check"]: one["level"] for one in report["findings"]}
    assert (answer.exit_code, report["ok"]) == (1, False)
    assert (levels["settings"], levels["API's port"], levels["secret key"]) == ("ok", "ok", "advice")
    assert levels["kafka"] == "wrong"
    assert report["findings"][-1]["text"].startswith("There is no Kafka to work with: set KAFKA_BOOTSTRAP")


def test_a_wrong_variable_is_a_finding(tmp_path: Path) -> None:
    environment = {"LOYALTY_HOME": str(tmp_path), "LOYALTY_PARTITIONS": "many"}

    answer = CliRunner().invoke(app, ["doctor"], env=environment)

    assert answer.exit_code == 1
    assert "wrong   settings          LOYALTY_PARTITIONS='many' is not valid" in answer.stdout


def test_what_to_do_stands_below_what_was_found() -> None:
    lines = list(describe_report(Finding("topics", "wrong", "one\ntwo", "do this")))

    assert lines == [
        "wrong   topics            one",
        "                          two",
        "                          → do this",
    ]


@pytest.mark.parametrize(
    ("total", "free", "level"),
    [(10**12, 10**11, "ok"), (10**12, 10**10, "wrong"), (10**10, 9 * 10**8, "wrong")],
)
def test_a_disk_needs_a_gigabyte_and_a_twentieth_of_it(
    tmp_path: Path, total: int, free: int, level: str
) -> None:
    assert check_disk(tmp_path / "not" / "there" / "yet", (total, free)).level == level


def test_our_api_is_told_from_a_stranger_at_its_port(web_server: tuple[int, dict[str, bytes]]) -> None:
    port, pages = web_server
    settings = Settings(api_port=port)

    stranger = check_api_port(settings)
    pages["/openapi.json"] = b'{"info": {"title": "Shop"}}'
    named = check_api_port(settings)
    pages["/openapi.json"] = OPENAPI.read_bytes()
    ours = check_api_port(settings)

    assert (stranger.level, stranger.text) == ("advice", f"127.0.0.1:{port}: another program listens there")
    assert stranger.remedy == "set LOYALTY_API_PORT to another port"
    assert named.text.endswith("another program listens there, which calls itself 'Shop'")
    assert (ours.level, ours.text) == ("ok", f"127.0.0.1:{port}: an API of this project answers there")


def test_a_port_that_nobody_holds_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert describe_port_holder("127.0.0.1", port) is None
    assert check_api_port(Settings(api_port=port)).text == f"127.0.0.1:{port} is free"


def test_the_description_bears_the_title_by_which_our_api_is_known() -> None:
    assert json.loads(OPENAPI.read_text())["info"]["title"] == TITLE


def test_brokers_are_counted_and_an_old_one_is_refused() -> None:
    assert describe_brokers("k:9092", 3, "4.1 or newer").text == "3 brokers at k:9092, Kafka 4.1 or newer"
    assert describe_brokers("k:9092", 1, None).level == "ok"
    assert describe_brokers("k:9092", 1, "2.4").level == "wrong"


def test_a_version_is_read_from_what_a_broker_sets() -> None:
    assert read_version({"inter.broker.protocol.version": "3.9-IV0"}) == "3.9"
    assert read_version({"share.coordinator.state.topic.replication.factor": "1"}) == "4.0 or newer"
    assert read_version({}) is None


@pytest.mark.parametrize(
    ("replicas", "in_sync", "brokers", "level", "remedy"),
    [
        (3, 3, 3, "ok", ""),
        (3, 2, 3, "wrong", "look at the brokers"),
        (1, 1, 1, "advice", "this is enough to try things out"),
        (1, 1, 3, "advice", "set LOYALTY_REPLICATION=3"),
    ],
)
def test_replicas_must_be_in_sync_and_should_be_three(
    replicas: int, in_sync: int, brokers: int, level: str, remedy: str
) -> None:
    found = describe_replicas([PartitionReplicas("loyalty.commands", 0, replicas, in_sync)], brokers)

    assert (found.level, found.remedy.startswith(remedy)) == (level, True)


def test_many_partitions_behind_are_shortened() -> None:
    found = describe_replicas([PartitionReplicas("c", number, 3, 1) for number in range(8)], 3)

    assert found.text.splitlines()[::5] == ["c[0] has 1 of 3 replicas in sync", "and 3 more"]


def test_a_record_of_the_future_shows_that_clocks_differ() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    assert describe_clock("c", None, now).level == "ok"
    assert describe_clock("c", now - timedelta(days=1), now).level == "ok"
    ahead = describe_clock("c", now + timedelta(minutes=2), now)
    assert (ahead.level, "the newest record of c is 120 s ahead" in ahead.text) == ("wrong", True)


def test_a_secret_key_is_counted_and_never_shown() -> None:
    key = new_key()
    found = check_secret_key(Settings(secret_key=key))  # type: ignore[arg-type]

    assert (found.level, key in found.text) == ("ok", False)


def test_secrets_of_another_key_are_wrong_and_a_new_key_is_not_advised() -> None:
    subscriptions = Subscriptions()
    subscriptions.put(with_secret(SecretSealer([new_key()])))

    found = check_secrets(subscriptions, Settings(secret_key=new_key()))  # type: ignore[arg-type]

    assert found.level == "wrong"
    assert (
        "A new key cannot open them: put the one that they were sealed with after the present" in found.text
    )
    assert "`loyalty secret-key` makes one" not in found.text


def test_without_any_store_one_is_to_be_put() -> None:
    assert check_stores({}).remedy == "`loyalty store put store.json`"

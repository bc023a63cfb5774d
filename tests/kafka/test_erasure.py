"""An erased member on a real broker: what is left of it in every topic, on the disks and in the logs."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from msgspec.structs import replace
from rocksdict import AccessType, Options, Rdict

from streams.codec.avro import HEADER, encode
from streams.domain.commands import ChangeOwnEmail
from streams.kafka.clients import Connection, connection
from streams.kafka.records import record_of
from streams.kafka.topic_admin import create_topics
from streams.projections.erasures import PERSONAL_DATA
from streams.settings import Settings
from streams.stages.commands import owner_of
from streams.topics import COMMANDS, EVENTS, SETTINGS, SUBSCRIPTIONS, TOPICS
from tests.crash.world import put
from tests.domain.making import made
from tests.domain.test_erasure import MARK, life
from tests.kafka.processes import finished, running
from tests.samples import ANNA, BORIS, STORE, register, subscription, uid
from tests.samples import SETTINGS as STORE_SETTINGS

WITHIN = 90.0
CARLA = uid(3)
SMALL = MARK.lower().encode()
COMPACTED = {topic.name for topic in TOPICS if topic.compacted}
NEVER_THERE = {EVENTS.name, "batches-changelog"}
"""Facts are sealed; legacy arrays, which nobody subscribed to here, hold contacts."""

NEWCOMERS = count(100)


class _Echo(BaseHTTPRequestHandler):
    """Answers with what it was told, as some endpoints do; under /absent, with 404."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(404 if self.path == "/absent" else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.server.heard.append((self.path, body))  # type: ignore[attr-defined]

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def echo() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        server.heard = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def until(there: Callable[[], bool], what: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN
    while not there():
        assert time.monotonic() < deadline, what()
        # No topic tells anybody that it has grown, or that its cleaner was there.
        time.sleep(0.5)


def marked(cluster: Connection) -> set[str]:
    """The topics that hold the mark anywhere, whatever reads it: aborted records and replaced ones too."""
    return {topic.name for topic in TOPICS if any(SMALL in raw for raw in raw(cluster, cluster.topic(topic)))}


def stirred(cluster: Connection) -> set[str]:
    """`marked`, after more records have come: the cleaner leaves alone where none has."""
    number = next(NEWCOMERS)
    send(cluster, register(uid(number), email=f"{number}@example.com"))
    return marked(cluster)


def raw(cluster: Connection, name: str) -> Iterator[bytes]:
    """All that stands in the only partition of a topic, in small letters."""
    config = {"group.id": "test", "enable.partition.eof": True}
    consumer = Consumer(cluster.consumer(**config) | {"isolation.level": "read_uncommitted"})
    consumer.assign([TopicPartition(name, 0, 0)])
    while (message := consumer.poll(WITHIN)) is not None and not message.error():
        record = record_of(message, name)
        yield b"".join((record.key or b"", record.value or b"", *record.headers.values())).lower()
    assert message is not None, f"{name}: the broker is silent"
    consumer.close()


def compact_at_once(cluster: Connection) -> None:
    at_once = dict.fromkeys(("max.compaction.lag.ms", "segment.ms", "delete.retention.ms"), "1")
    at_once["min.compaction.lag.ms"] = "0"
    entries = [ConfigEntry(n, v, incremental_operation=AlterConfigOpType.SET) for n, v in at_once.items()]
    admin = AdminClient(cluster.admin())
    asked = [
        ConfigResource(ResourceType.TOPIC, cluster.topic(topic), incremental_configs=entries)
        for topic in TOPICS
        if topic.name in COMPACTED
    ]
    for future in admin.incremental_alter_configs(asked).values():
        future.result(10)


def send(cluster: Connection, *commands: Any, poison: bytes = b"") -> None:
    producer = Producer(cluster.producer())
    for command in commands:
        value, schema = encode(command)
        key = owner_of(command.store, command.member_id)
        producer.produce(cluster.topic(COMMANDS), value, key, headers={HEADER: schema})
    if poison:
        producer.produce(cluster.topic(COMMANDS), poison, owner_of(STORE, ANNA), headers={HEADER: "None.v1"})
    assert producer.flush(30) == 0


def on_disk(home: Path) -> set[str]:
    """The databases under `home` whose entries hold the mark."""
    found = set()
    for current in home.rglob("CURRENT"):
        path = str(current.parent)
        families = {name: Options(raw_mode=True) for name in Rdict.list_cf(path, Options(raw_mode=True))}
        db = Rdict(path, Options(raw_mode=True), families, AccessType.read_only())
        for name in families:
            entries: Any = db.get_column_family(name).items()
            if any(SMALL in (key + value).lower() for key, value in entries):
                found.add(f"{current.parent.relative_to(home)}: {name}")
        db.close()
    return found


def test_what_is_left_of_an_erased_member_is_what_the_page_says(settings: Settings) -> None:
    settings = settings.model_copy(update={"partitions": 1})
    cluster = connection(settings, settings.bootstrap_servers or "")
    create_topics(cluster, settings)
    with ExitStack() as programs:
        endpoint = programs.enter_context(echo())
        url = f"http://127.0.0.1:{endpoint.server_port}"
        heard: list[tuple[str, bytes]] = endpoint.heard  # type: ignore[attr-defined]
        works = replace(subscription("*"), url=f"{url}/works")
        absent = replace(subscription("*", number=501), url=f"{url}/absent", retry_waits=(1, 1))
        paused = replace(subscription("*", number=502), url=f"{url}/later", state="paused")
        put(cluster, SETTINGS, {STORE: encode(STORE_SETTINGS)})
        put(cluster, SUBSCRIPTIONS, {s.subscription_id: encode(s) for s in (works, absent, paused)})
        for process in ("worker", "sink"):
            programs.enter_context(running(settings, process))
        everywhere = set(PERSONAL_DATA) - NEVER_THERE
        again = made(ChangeOwnEmail, email=f"{MARK}@example.com")
        send(cluster, register(BORIS), *life(), again, poison=f"no command of {MARK}".encode())
        until(lambda: marked(cluster) == everywhere, lambda: marked(cluster) ^ everywhere)

        erase = ("erase", "--store", STORE, "--member", ANNA)
        code, said = finished(settings, *erase, "--dry-run")
        assert (code, said.splitlines()[-1]) == (0, "dry run: nothing was erased")
        assert "known by loyaltyCardNumber, phone, email; 2 transactions, 1 of them" in said
        code, said = finished(settings, *erase)
        assert (code, said.splitlines()[-1]) == (0, "erased")
        code, said = finished(settings, *erase)
        assert (code, said.startswith("erased on 20"), "known by nothing" in said) == (0, True, True)

        # What was made before is still sent, once its subscription is active again.
        put(cluster, SUBSCRIPTIONS, {paused.subscription_id: encode(replace(paused, state="active"))})
        put(cluster, SUBSCRIPTIONS, {absent.subscription_id: (None, "none")})
        until(lambda: any(p == "/later" and b"CustomerDeactivated" in b for p, b in heard), lambda: heard[-1])
        compact_at_once(cluster)
        send(cluster, *life(CARLA, "Plugh"))
        until(lambda: not stirred(cluster) & COMPACTED, lambda: marked(cluster) & COMPACTED)

        assert marked(cluster) == everywhere - COMPACTED
        told = len(heard)
        replay = ("replay", "webhooks", "--subscription", works.subscription_id, "--from", "1h")
        code, said = finished(settings, *replay, "--rate", "0")
        assert (code, said.splitlines()[-1].endswith(" deliveries replayed")) == (0, True)
        sent = int(said.splitlines()[-1].partition(" ")[0])
        until(lambda: sum(path == "/works" for path, _ in heard[told:]) >= sent > 0, lambda: heard[told:])
        assert not any(SMALL in body.lower() for _, body in heard[told:])
        assert "of a member that is erased" in finished(settings, "dead-letters", "redrive", "--dry-run")[1]
        code, said = finished(settings, "replay", "state")
        assert (code, said.splitlines()[-1].endswith(" 0 differ")) == (0, True)
        assert finished(settings, "reconcile")[0] == 0

    assert on_disk(settings.home) == set()
    assert len(list(settings.home.rglob("CURRENT"))) >= 4
    for log in settings.home.glob("*.log"):
        assert MARK.lower() not in log.read_text().lower()

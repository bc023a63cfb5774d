"""Replays asked for over HTTP, on a real broker: once each, in order, whichever process is killed."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer

from api.auth.authentication import new_key
from api.services.replay_runner import SILENCE_SECONDS
from streams.codec.avro import encode
from streams.delivery.records import Delivery
from streams.kafka.clients import Connection, connection
from streams.kafka.topic_admin import create_topics
from streams.settings import Settings
from streams.topics import SUBSCRIPTIONS, WEBHOOK_EVENTS
from tests.crash.world import put
from tests.kafka.processes import LOYALTY, READY_WITHIN, environment
from tests.kafka.test_replay import MEMBERS, WANTED, awaited, deliveries, numbers
from tests.samples import uid
from tests.stages.test_legacy_batches import expiring

EVENTS = 3000
TOKEN, DIGEST = new_key()
KEY = {"X-AUTH-TOKEN": TOKEN}
PATH = f"/api/DEFAULT/webhook/subscription/{WANTED.subscription_id}"
AGO = "2020-01-01T00:00:00Z"


@pytest.fixture
def cluster(settings: Settings) -> Connection:
    return subscribed_and_published(settings, EVENTS)


def subscribed_and_published(settings: Settings, events: int) -> Connection:
    made = connection(settings, settings.bootstrap_servers or "")
    create_topics(made, settings)
    put(made, SUBSCRIPTIONS, {WANTED.subscription_id: encode(WANTED)})
    publish(made, events)
    return made


def publish(cluster: Connection, events: int) -> None:
    producer = Producer(cluster.producer(**{"queue.buffering.max.messages": 1_000_000}))
    name = cluster.topic(WEBHOOK_EVENTS)
    for number in range(events):
        record = expiring(number, uid(1 + number % MEMBERS))
        producer.produce(name, record.value, record.key, headers=dict(record.headers))
        producer.poll(0)
    assert producer.flush(60) == 0


class Api:
    """`loyalty api`, which may be killed and started again on the same disk."""

    def __init__(self, settings: Settings, home: Path) -> None:
        self._settings = settings
        self._home = home
        self.starts = 0

    def start(self) -> None:
        more = {"LOYALTY_API_PORT": "0", "LOYALTY_API_KEY_HASHES": DIGEST, "LOYALTY_HOME": str(self._home)}
        self._home.mkdir(exist_ok=True)
        with (self._home / "api.process.control_topics").open("a") as log:
            self.process = subprocess.Popen(
                [LOYALTY, "api"],
                env=environment(self._settings) | more,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        bound = threading.Timer(READY_WITHIN, self.process.kill)
        bound.start()
        assert self.process.stdout
        said = self.process.stdout.readline()
        bound.cancel()
        assert "ready" in said, self.log
        self.address = said.split()[3].rstrip(",")
        self.starts += 1

    @property
    def log(self) -> str:
        return (self._home / "api.process.control_topics").read_text()

    def tell(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        self.tell(signal.SIGKILL)
        self.process.communicate()

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return httpx.request(method, self.address + PATH + path, headers=KEY, timeout=30, **options)

    def ask(self, **fields: object) -> dict[str, Any]:
        answer = self.call("POST", "/replay", json={"replay": {"from": AGO, **fields}})
        assert answer.status_code == 202, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def look(self, replay: dict[str, Any]) -> dict[str, Any]:
        answer = self.call("GET", f"/replay/{replay['replayId']}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def api(settings: Settings, tmp_path: Path) -> Iterator[Callable[[str], Api]]:
    made: list[Api] = []

    def start(name: str) -> Api:
        made.append(Api(settings, tmp_path / name))
        made[-1].start()
        return made[-1]

    try:
        yield start
    finally:
        for one in made:
            if one.process.returncode is None:
                one.kill()


def in_order_once(found: list[Delivery], events: int) -> bool:
    return all(numbers(found, uid(1 + m)) == list(range(m, events, MEMBERS)) for m in range(MEMBERS))


def ended(api: Api, replay: dict[str, Any]) -> dict[str, Any]:
    awaited(lambda: api.look(replay)["endedAt"] is not None)
    return api.look(replay)


def test_a_replay_of_thousands_goes_on_each_time_its_process_is_killed_and_sends_each_once(
    cluster: Connection, settings: Settings, api: Callable[[str], Api]
) -> None:
    here = api("one")
    dry = here.call("POST", "/replay?dryRun=true", json={"replay": {"from": AGO, "rate": 700}}).json()
    assert (dry["deliveries"], dry["exact"], dry["seconds"]) == (EVENTS, True, 5)
    assert deliveries(cluster, settings) == []

    # Nobody delivers: each life stops after the 700 that it may have on their way, and is killed before.
    asked = here.ask(rate=700)
    for life in range(4):
        awaited(lambda life=life: len(deliveries(cluster, settings)) >= 350 + life * 700)  # type: ignore[misc]
        here.kill()
        here.start()
    done = ended(here, asked)

    assert here.starts == 5
    assert (done["state"], done["counted"], done["sent"], done["remaining"]) == ("done", EVENTS, EVENTS, 0)
    found = deliveries(cluster, settings)
    assert len(found) == EVENTS
    assert in_order_once(found, EVENTS)
    assert {each.replay for each in found} == {asked["replayId"]}


def test_another_process_goes_on_with_it_and_one_that_wakes_too_late_sends_nothing(
    cluster: Connection, settings: Settings, api: Callable[[str], Api]
) -> None:
    first, second = api("one"), api("two")
    asked = first.ask(rate=700)
    awaited(lambda: len(deliveries(cluster, settings)) == 700)

    first.tell(signal.SIGSTOP)
    # It goes on by another 700, for it knows nothing of those under way.
    awaited(lambda: len(deliveries(cluster, settings)) == 1400)
    first.tell(signal.SIGCONT)
    awaited(lambda: "another" in first.log or "fenced" in first.log)

    assert first.call("DELETE", f"/replay/{asked['replayId']}").status_code in {200, 202}
    done = ended(second, asked)
    assert (done["state"], done["sent"]) == ("cancelled", 1400)
    assert ended(first, asked)["sent"] == 1400
    found = deliveries(cluster, settings)
    assert len({each.delivery_id for each in found}) == len(found) == 1400


def test_a_process_that_is_told_to_stop_hands_over_at_once(
    cluster: Connection, settings: Settings, api: Callable[[str], Api]
) -> None:
    first, second = api("one"), api("two")
    asked = first.ask(rate=700)
    awaited(lambda: len(deliveries(cluster, settings)) == 700)

    first.tell(signal.SIGTERM)
    begun = time.monotonic()
    awaited(lambda: len(deliveries(cluster, settings)) == 1400)

    first.process.communicate()
    assert first.process.returncode == 0
    assert time.monotonic() - begun < SILENCE_SECONDS
    assert second.look(asked)["state"] == "running"


def test_cancelled_it_says_how_many_went_and_what_is_missing_can_be_sent_later(
    cluster: Connection, settings: Settings, api: Callable[[str], Api]
) -> None:
    here = api("one")
    asked = here.ask(rate=200)
    second = here.call("POST", "/replay", json={"replay": {"from": AGO}})
    awaited(lambda: here.look(asked)["sent"] >= 100)

    cancelled = here.call("DELETE", f"/replay/{asked['replayId']}")
    again = here.call("DELETE", f"/replay/{asked['replayId']}")
    sent = len(deliveries(cluster, settings))
    rest = ended(here, here.ask(rate=10_000, only="missing"))

    assert second.status_code == again.status_code == 409
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert cancelled.json()["sent"] == sent
    assert (rest["counted"], rest["sent"]) == (EVENTS - sent, EVENTS - sent)
    assert in_order_once(deliveries(cluster, settings), EVENTS)
    listed = here.call("GET", "/replay").json()
    assert [each["state"] for each in listed["items"]] == ["done", "cancelled"]


def test_one_whose_subscription_is_deleted_ends(
    cluster: Connection, settings: Settings, api: Callable[[str], Api]
) -> None:
    here = api("one")
    asked = here.ask(rate=100)
    awaited(lambda: here.look(asked)["sent"] > 0)

    assert here.call("DELETE", "").status_code == 204
    other = api("two")
    put(cluster, SUBSCRIPTIONS, {WANTED.subscription_id: encode(WANTED)})
    awaited(lambda: other.look(asked)["state"] == "failed")

    assert other.look(asked)["error"] == "Its subscription was deleted."

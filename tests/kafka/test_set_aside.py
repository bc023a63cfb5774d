"""Bad control records on a real broker: worker, sink and API start, and serve everybody else."""

from contextlib import ExitStack

import httpx
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.cimpl import TopicPartition
from msgspec.structs import replace

from api.auth.authentication import new_key
from streams.access import ApiKey
from streams.codec import avro
from streams.delivery.records import Subscription
from streams.delivery.subscription_options import Condition
from streams.domain.values import Value
from streams.kafka import clients, topic_admin
from streams.kafka.clients import Connection
from streams.local_broker.ports import any_free
from streams.settings import Settings
from streams.state_version import STATE_KEY, Generation
from streams.topics import API_KEYS, GENERATIONS, SETTINGS, SUBSCRIPTIONS, Topic
from tests.kafka.fleet import eventually
from tests.kafka.processes import finished, running
from tests.samples import NOON, uid
from tests.scenarios.store import SETTINGS as STORE

SOON = 20.0
GOOD, BAD = replace(STORE, store="GOOD"), replace(STORE, store="BAD", time_zone="Mars/Olympus")


def write(connection: Connection, *records: tuple[Topic, str, Value | bytes]) -> None:
    """As any other program could."""
    producer = Producer(connection.producer())
    for topic, key, value in records:
        data, header = (value, "Generation.v1") if isinstance(value, bytes) else avro.encode(value)
        producer.produce(
            connection.topic(topic), data, key.encode(), headers=[(avro.HEADER, header.encode())]
        )
    assert producer.flush(SOON) == 0


def forget(connection: Connection, topic: Topic, before: int) -> None:
    """What compaction does to records that later ones of their keys have replaced."""
    client, name = AdminClient(connection.admin()), connection.topic(topic)
    both = ConfigEntry("cleanup.policy", "compact,delete", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=[both])
    for changed in client.incremental_alter_configs([resource]).values():
        changed.result(SOON)

    def is_deleted() -> bool:
        """The controller has the policy; the partition's leader may not have heard of it yet."""
        (gone,) = client.delete_records([TopicPartition(name, 0, before)]).values()
        try:
            gone.result(SOON)
        except KafkaException as failure:
            if failure.args[0].code() != KafkaError.POLICY_VIOLATION:
                raise
            return False
        return True

    eventually(is_deleted, lambda: f"{name} takes no deletion")


def test_worker_sink_and_api_start_on_bad_control_records_and_serve_all_others(settings: Settings) -> None:
    connection = clients.connection(settings, settings.bootstrap_servers or "")
    topic_admin.create_topics(connection, settings)
    bad = Subscription(
        subscription_id=uid(1),
        store="GOOD",
        event_name="*",
        url="https://shop.example/",
        created_at=NOON,
        filter=(Condition(path="a", operator="in", value="5"),),
    )
    key = ApiKey(api_key_id=uid(2), admin_id=uid(9), name="till", digest="a" * 64, created_at=NOON)
    write(
        connection,
        (SETTINGS, "BAD", BAD),
        (SETTINGS, "GOOD", GOOD),
        (SUBSCRIPTIONS, uid(1), bad),
        (API_KEYS, uid(2), key),
        (API_KEYS, uid(3), replace(key, api_key_id=uid(3))),
        (GENERATIONS, STATE_KEY, b"garbage"),
    )
    token, digest = new_key()
    port = any_free()

    with ExitStack() as stack:
        stack.enter_context(running(settings, "worker"))
        stack.enter_context(running(settings, "sink"))
        stack.enter_context(
            running(settings, "api", LOYALTY_API_PORT=str(port), LOYALTY_API_KEY_HASHES=digest)
        )
        client = stack.enter_context(
            httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-AUTH-TOKEN": token}, timeout=SOON)
        )
        made = client.post("/api/GOOD/member", json={"customer": {"email": "anna@shop.example"}})
        assert made.status_code in (200, 202), made.text
        assert client.get("/api/BAD/campaign").status_code == 404

        code, said = finished(settings, "doctor")
        assert code == 1
        lines = [line for line in said.splitlines() if line.startswith("wrong   control records")]
        found = [line.partition("set aside: ")[2] for line in lines]
        assert [line.split(": ")[0].split("].")[0] for line in found] == [
            f"{connection.topic(SETTINGS)}[0] at offset 0, key BAD",
            f"{connection.topic(SUBSCRIPTIONS)}[0] at offset 0, key {uid(1)}",
            f"{connection.topic(API_KEYS)}[0] at offset 1, key {uid(3)}",
            f"{connection.topic(GENERATIONS)}[0] at offset 0, key state",
        ]


def test_the_last_good_settings_stay_over_restarts_until_they_are_changed(settings: Settings) -> None:
    connection = clients.connection(settings, settings.bootstrap_servers or "")
    topic_admin.create_topics(connection, settings)
    token, digest = new_key()
    port = any_free()
    api = {"LOYALTY_API_PORT": str(port), "LOYALTY_API_KEY_HASHES": digest}
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-AUTH-TOKEN": token}, timeout=SOON)
    write(connection, (SETTINGS, "BAD", replace(GOOD, store="BAD", units_expiring_days=(7,))))

    with client:
        with running(settings, "api", **api):
            write(connection, (SETTINGS, "BAD", BAD))
            asked = client.get("/api/BAD/settings").json()["settings"]
            assert asked["expirePointsNotificationDays"] == 7
        forget(connection, SETTINGS, before=1)
        with running(settings, "api", **api):
            asked = client.get("/api/BAD/settings").json()["settings"]
            assert asked["expirePointsNotificationDays"] == 7
            assert "wrong   control records" in finished(settings, "doctor")[1]

            body = {"settings": {"expirePointsNotificationDays": [9]}}
            assert client.patch("/api/BAD/settings", json=body).status_code == 200
            assert "wrong   control records" not in finished(settings, "doctor")[1]


def test_a_generation_that_cannot_be_read_leaves_the_one_before(
    settings: Settings,
) -> None:
    connection = clients.connection(settings, settings.bootstrap_servers or "")
    topic_admin.create_topics(connection, settings)
    write(connection, (GENERATIONS, STATE_KEY, Generation(number=1, layout=1, switched_at=NOON)))
    assert finished(settings, "doctor")[0] == 0

    write(connection, (GENERATIONS, STATE_KEY, b"garbage"))

    code, said = finished(settings, "doctor")
    assert (code, "the record at offset 0 stays in force" in said) == (1, True)

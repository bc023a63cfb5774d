"""TLS, logins and ACLs: each process and command does its work with the listed rights alone."""

import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import rmtree
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from api.auth.authentication import new_key
from streams.codec.avro import encode
from streams.kafka.acls import ROLES, Acl, Role, acls
from streams.kafka.clients import Connection, connection, read_properties
from streams.local_broker.ports import any_free
from streams.secrets.sealing import new_key as new_secret_key
from streams.settings import Settings
from streams.topics import COMMANDS
from tests.kafka.fleet import eventually
from tests.kafka.processes import LOYALTY, environment, running
from tests.kafka.secured_broker import ADMIN, SecuredBroker
from tests.samples import ANNA, add

PREFIX = "secured."
PASSWORDS: dict[str, str] = {ADMIN: "of-the-admin", **{role: f"of-the-{role}" for role in ROLES}}
STORE = Path(__file__).parents[2] / "connectors" / "cdnow" / "store.json"
PROCESSES: tuple[Role, Role] = ("worker", "sink")
KEY, DIGEST = new_key()
CHANGED = "AvailablePointsAmountChanged"
ELSEWHERE = {
    ("worker", "erasures"),
    ("worker", "coupons-changelog"),
    ("worker", "batches-changelog"),
    ("sink", "dead-letters"),
    ("sink", "endpoints-changelog"),
    ("sink", "generations"),
    ("sink", "poison"),
    ("sink", "pending-changelog"),
    ("sink", "restore"),
}
"""Rights that erasures, rewards, legacy arrays, letters, new layouts and restarts amid work need."""


class Endpoint:
    """Counts the webhooks that come."""

    def __init__(self) -> None:
        self.came: list[bytes] = []
        came = self.came

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                came.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(410 if self.path == "/gone" else 204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def broker(libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    with SecuredBroker(tmp_path_factory.mktemp("secured"), libraries, PASSWORDS) as made:
        grant(made, ROLES)
        yield made


@pytest.fixture
def settings(broker: SecuredBroker, tmp_path: Path) -> Settings:
    return Settings(
        bootstrap_servers=broker.bootstrap_servers, topic_prefix=PREFIX, home=tmp_path, partitions=2
    )


def grant(broker: SecuredBroker, roles: Sequence[Role]) -> None:
    bindings = [
        _binding(role, acl, operation)
        for role in roles
        for acl in acls(Connection(broker.bootstrap_servers, PREFIX), role)
        for operation in acl.operations
    ]
    client = broker.client()
    for done in client.create_acls(bindings).values():
        done.result(30)


def _binding(role: Role, acl: Acl, operation: str) -> AclBinding:
    kinds = {
        "Topic": ResourceType.TOPIC,
        "Group": ResourceType.GROUP,
        "TransactionalId": ResourceType.TRANSACTIONAL_ID,
        # The cluster, as Kafka's clients call it.
        "Cluster": ResourceType.BROKER,
    }
    pattern = ResourcePatternType.PREFIXED if acl.prefixed else ResourcePatternType.LITERAL
    allowed = AclOperation[_protocol_name(operation)]
    return AclBinding(
        kinds[acl.kind], acl.name, pattern, f"User:{role}", "*", allowed, AclPermissionType.ALLOW
    )


def _protocol_name(operation: str) -> str:
    """DESCRIBE_CONFIGS of DescribeConfigs."""
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in operation).upper().strip("_")


class Operator:
    """Runs commands with the rights of a role, `operator` unless said."""

    def __init__(self, broker: SecuredBroker, settings: Settings, secret: str) -> None:
        self.settings, self.secret = settings, secret
        self.files = {role: str(broker.properties(role)) for role in ROLES}

    def variables(self, role: Role) -> dict[str, str]:
        return {"LOYALTY_KAFKA_CONFIG": self.files[role], "LOYALTY_SECRET_KEY": self.secret}

    def run(self, *words: str, role: Role = "operator") -> str:
        done = subprocess.run(
            [LOYALTY, *words],
            env=environment(self.settings, **self.variables(role), COLUMNS="200"),
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def process(self, role: Role, **more: str) -> Iterator[None]:
        home = self.settings.home / role
        home.mkdir(exist_ok=True)
        with running(replace_home(self.settings, home), role, **self.variables(role), **more):
            yield


def replace_home(settings: Settings, home: Path) -> Settings:
    return settings.model_copy(update={"home": home})


def test_every_process_and_command_works_with_the_listed_rights_and_needs_each_of_them(
    broker: SecuredBroker, settings: Settings, tmp_path: Path
) -> None:
    operator, endpoint = Operator(broker, settings, new_secret_key()), Endpoint()
    operator.run("topics", "create")
    operator.run("store", "put", str(STORE))
    with ExitStack() as stack:
        stack.callback(endpoint.close)
        port = any_free()
        for role in PROCESSES:
            stack.enter_context(operator.process(role))
        stack.enter_context(
            operator.process("api", LOYALTY_API_KEY_HASHES=DIGEST, LOYALTY_API_PORT=str(port))
        )
        base = f"http://127.0.0.1:{port}/api/CDSHOP/"
        subscription = _use_the_api(base, endpoint)
        _produce(operator)
        eventually(lambda: len(endpoint.came) >= 3, lambda: "no webhook came")
        eventually(
            lambda: "names its schema" in operator.run("poison", "list"),
            lambda: operator.run("poison", "list"),
        )
        _replay(f"{base}webhook/subscription/{subscription}/replay", endpoint)
        _look_and_repair(operator, subscription, tmp_path)
    for role in PROCESSES:
        # On an empty disk, so that all is read from the changelogs.
        rmtree(settings.home / role)
        with operator.process(role):
            pass
    denied = {(a.user, a.operation, a.kind, a.name) for a in broker.asked() if not a.allowed}
    assert denied == set()
    # Whatever is not asked for here is asked for where the program is tested without rights.
    assert {(role, acl.name.removeprefix(PREFIX)) for role, acl, _ in _unused(broker)} <= ELSEWHERE


def _use_the_api(base: str, endpoint: Endpoint) -> str:
    with httpx.Client(base_url=base, headers={"X-AUTH-TOKEN": KEY}, timeout=30) as client:
        for name, path in (("CustomerUpdated", "gone"), ("CustomerRegistered", ""), (CHANGED, "")):
            told = {"eventName": name, "url": endpoint.url + path}
            made = client.post("webhook/subscription", json={"webhookSubscription": told})
            assert made.status_code == 200, made.text
        joined = client.post("member", json={"customer": {"email": "anna@example.com"}})
        assert joined.status_code == 200, joined.text
        member = joined.json()["customerId"]
        added = client.post("points/add", json={"transfer": {"customer": member, "points": 5}})
        assert added.status_code == 200, added.text
        renamed = client.put(f"member/{member}", json={"customer": {"firstName": "Anna"}})
        assert renamed.is_success, renamed.text
        return str(made.json()["webhookSubscriptionId"])


def _replay(url: str, endpoint: Endpoint) -> None:
    before = len(endpoint.came)
    asked = httpx.post(
        url, json={"replay": {"from": "2020-01-01T00:00:00Z"}}, headers={"X-AUTH-TOKEN": KEY}, timeout=30
    )
    assert asked.status_code == 202, asked.text
    eventually(lambda: len(endpoint.came) > before, lambda: "nothing was replayed")


def _produce(operator: Operator) -> None:
    """As a till would: a command that is refused, and bytes that are no record."""
    properties = read_properties(Path(operator.files["producer"]))
    producer = Producer(
        connection(operator.settings, operator.settings.bootstrap_servers or "").producer() | properties
    )
    value, schema = encode(add("1"))
    producer.produce(
        f"{PREFIX}{COMMANDS.name}", value, f"DEFAULT/{ANNA}", headers=[("schema", schema.encode())]
    )
    producer.produce(f"{PREFIX}{COMMANDS.name}", b"no record", f"DEFAULT/{ANNA}")
    assert producer.flush(30) == 0


def _look_and_repair(operator: Operator, subscription: str, folder: Path) -> None:
    members = folder / "members.csv"
    members.write_text("memberExternalId,email\nb-1,boris@example.com\n")
    for words in (
        ("import", "members", str(members), "--store", "CDSHOP"),
        ("topics", "list"),
        ("topics", "apply"),
        ("store", "put", str(STORE)),
        ("poison", "list"),
        ("dead-letters", "list"),
        ("identifiers", "check"),
        ("audit", "list"),
        ("doctor",),
        ("replay", "webhooks", "--subscription", subscription, "--from", "1h"),
        ("reconcile",),
        ("reconcile", "--state"),
        ("expiring", "preview", "--store", "CDSHOP", "--on", "2030-01-01", "--days", "7"),
    ):
        operator.run(*words)


def _unused(broker: SecuredBroker) -> Iterator[tuple[Role, Acl, str]]:
    """Rights of worker and sink that were never asked for."""
    asked = {(a.user, a.operation, a.kind, a.name) for a in broker.asked()}
    for role in PROCESSES:
        for acl in acls(Connection(broker.bootstrap_servers, PREFIX), role):
            for operation in acl.operations:
                needed = role, _protocol_name(operation), acl.kind
                if not any(
                    (user, did, kind) == needed
                    and (name.startswith(acl.name) if acl.prefixed else name == acl.name)
                    for user, did, kind, name in asked
                ):
                    yield role, acl, operation


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"sasl.password": "hunter2"}, "Authentication failed: Invalid username or password"),
        ({"ssl.ca.location": ""}, "certificate verify failed"),
        ({"security.protocol": "SASL_PLAINTEXT"}, "No Kafka answers at"),
        ({"security.protocol": "", "sasl.mechanism": ""}, "one that wants TLS needs security.protocol"),
    ],
)
def test_why_a_broker_does_not_let_one_in_is_said(
    broker: SecuredBroker, settings: Settings, wrong: dict[str, str], told: str
) -> None:
    refused = subprocess.run(
        [LOYALTY, "topics", "list"],
        env=environment(settings, LOYALTY_KAFKA_CONFIG=str(broker.properties("worker", **wrong))),
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )

    assert refused.returncode == 2
    assert told in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not {"hunter2", PASSWORDS["worker"]} & set(refused.stderr.split())

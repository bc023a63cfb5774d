"""The pipeline that the panel's tests look at: its processes, and an endpoint that they send to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from api.auth import passwords
from api.auth.authentication import new_key
from streams.access import Admin
from streams.codec.avro import encode
from streams.kafka.clients import Connection, connection
from streams.kafka.topic_admin import create_topics
from streams.local_broker.ports import any_free
from streams.secrets.sealing import new_key as new_secret_key
from streams.settings import Settings
from streams.topics import ADMINS, SETTINGS
from tests.crash.world import put
from tests.kafka.processes import running
from tests.samples import NOON, uid
from tests.scenarios.store import SETTINGS as STORE

WITHIN = 20.0
USERNAME, PASSWORD = "anna", "correct horse battery"


@dataclass
class Endpoint:
    """Keeps what it is sent, by path; answers 200 unless a path has an answer of its own."""

    address: str = ""
    received: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def url(self, path: str) -> str:
        return f"{self.address}/{path}"

    def take(self, path: str, body: bytes) -> tuple[int, str]:
        with self._changed:
            self.received.setdefault(path, []).append(json.loads(body))
            self._changed.notify_all()
            return self.answers.get(path, (200, "thanks"))

    def await_that(self, path: str, holds: Callable[[list[dict[str, Any]]], bool]) -> bool:
        """Whether it came to hold of what came there, in time."""
        with self._changed:
            return self._changed.wait_for(lambda: holds(self.received.get(path, [])), WITHIN)

    def await_bodies(self, path: str, count: int) -> list[dict[str, Any]]:
        """What came there, once it is at least so many."""
        with self._changed:
            came = self._changed.wait_for(lambda: len(self.received.get(path, [])) >= count, WITHIN)
            assert came, f"{path} got {len(self.received.get(path, []))} of {count}"
            return list(self.received[path])


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, text = made.take(self.path.removeprefix("/"), body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Pipeline:
    """All of it running. `http` calls the REST API of store DEFAULT with a key that may do all."""

    address: str
    http: httpx.Client
    endpoint: Endpoint
    settings: Settings
    connection: Connection

    def call(self, method: str, path: str, body: object = None) -> Any:
        answer = self.http.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def member(self, email: str, **more: object) -> str:
        """The id of a new one."""
        made = self.call("POST", "member", {"customer": {"email": email, **more}})
        return str(made["customerId"])

    def points(self, member: str, points: int) -> None:
        self.call("POST", "points/add", {"transfer": {"customer": member, "points": points}})

    def subscribed(self, path: str, event: str = "CustomerRegistered", **more: object) -> str:
        """The id of a subscription to the endpoint's `path`."""
        said = {"eventName": event, "url": self.endpoint.url(path), **more}
        made = self.call("POST", "webhook/subscription", {"webhookSubscription": said})
        return str(made["webhookSubscriptionId"])


@contextmanager
def pipeline(settings: Settings) -> Iterator[Pipeline]:
    cluster = connection(settings, settings.bootstrap_servers or "")
    create_topics(cluster, settings)
    put(cluster, SETTINGS, {STORE.store: encode(STORE)})
    put(cluster, ADMINS, {uid(700): encode(_admin())})
    token, digest = new_key()
    port, secret = any_free(), new_secret_key()
    with ExitStack() as stack:
        hook = stack.enter_context(endpoint())
        for role in ("worker", "sink"):
            stack.enter_context(running(settings, role, LOYALTY_SECRET_KEY=secret))
        api = {"LOYALTY_API_KEY_HASHES": digest, "LOYALTY_API_PORT": str(port), "LOYALTY_SECRET_KEY": secret}
        stack.enter_context(running(settings, "api", **api))
        address = f"http://127.0.0.1:{port}"
        http = stack.enter_context(
            httpx.Client(base_url=f"{address}/api/DEFAULT/", headers={"X-AUTH-TOKEN": token}, timeout=WITHIN)
        )
        yield Pipeline(address, http, hook, settings, cluster)


def _admin() -> Admin:
    return Admin(
        admin_id=uid(700),
        username=USERNAME,
        password=passwords.hash_password(PASSWORD),
        created_at=NOON,
        tokens_since=NOON,
    )

"""The demo's surroundings: broker, topics, processes; all of it ends when the demo does."""

import fcntl
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn

import httpx

from api.auth.authentication import HEADER, new_key
from api.cli.api_client import publish_key
from api.cli.demo.processes import ChildProcess
from api.cli.demo.totals import Kind
from api.cli.processes import noted_as
from streams.errors import Misconfigured, Retryable
from streams.kafka.clients import Connection, connection
from streams.kafka.topic_admin import create_topics, partitions
from streams.local_broker import ensure_broker
from streams.local_broker.ports import HOST, any_free, is_free
from streams.secrets.sealing import new_key as new_secret_key
from streams.settings import Settings, variable_name
from streams.topics import COMMANDS

Say = Callable[[str], None]
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Access:
    """How people reach the demo. It is known before anything runs. `digest` is the API key's hash."""

    logs: Path
    port: int
    token: str
    digest: str

    @property
    def api(self) -> str:
        """The API's address; the panel is below it."""
        return f"http://{HOST}:{self.port}"


@dataclass
class Scene:
    """Where the demo plays. `children` are in the order of their starts."""

    settings: Settings
    connection: Connection
    access: Access
    partitions: int
    environment: dict[str, str]
    children: list[ChildProcess] = field(default_factory=list)
    receiver: str = ""

    @property
    def logs(self) -> Path:
        return self.access.logs

    @property
    def received(self) -> Path:
        """A line for every webhook that the receiver got."""
        return self.logs / "received.jsonl"

    def check(self) -> None:
        """Raises Retryable if one of the processes has ended."""
        for child in self.children:
            child.check()


@contextmanager
def stopping_in_order() -> Iterator[ExitStack]:
    """A stack that is unwound whole whatever ends the block: an error, Ctrl-C, SIGTERM, a closed terminal."""
    before = {number: signal.getsignal(number) for number in _ENDING}
    for number in _ENDING[1:]:
        signal.signal(number, _leave)
    stack = ExitStack()
    try:
        yield stack
    finally:
        # Ending takes a bounded time: impatience must not leave half of it behind.
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        stack.close()
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def open_access(stack: ExitStack, settings: Settings) -> Access:
    """The demo's place in LOYALTY_HOME, the port of its API and a key for it. Raises Misconfigured if a demo
    runs there already."""
    logs = settings.home.absolute() / "demo"
    logs.mkdir(parents=True, exist_ok=True)
    _alone(stack, logs)
    token, digest = new_key()
    chosen = settings.api_port
    return Access(logs, chosen if chosen and is_free(chosen) else any_free(), token, digest)


def prepare_scene(stack: ExitStack, settings: Settings, access: Access, say: Say) -> Scene:
    """Broker and topics, with names of this run's own: runs do not mix in a broker that keeps them."""
    servers = stack.enter_context(ensure_broker(settings, say))
    prefix = f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}."
    run = settings.model_copy(
        update={"bootstrap_servers": servers, "topic_prefix": prefix, "clock": "stream"}
    )
    cluster = connection(run, servers)
    say("creating topics")
    create_topics(cluster, run)
    count = partitions(cluster, (COMMANDS,))[COMMANDS.name]
    scene = Scene(run, cluster, access, count, _environment(run, access))
    scene.received.unlink(missing_ok=True)
    stack.enter_context(publish_key(run.home, access.token))
    # The topics stay; this is what can be restored from them.
    stack.callback(_forget_state, run)
    # Commands in other terminals find the demo by it.
    stack.enter_context(noted_as("demo", run, cluster, access.api))
    return scene


def _alone(stack: ExitStack, logs: Path) -> None:
    lock = stack.enter_context((logs / "lock").open("w"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Misconfigured(
            f"{variable_name('home')}={str(logs.parent)!r} has a demo running already: "
            "stop it, or name another"
        ) from None


def _environment(settings: Settings, access: Access) -> dict[str, str]:
    return os.environ | {
        variable_name("bootstrap_servers"): settings.bootstrap_servers or "",
        variable_name("home"): str(settings.home.absolute()),
        variable_name("topic_prefix"): settings.topic_prefix,
        variable_name("clock"): settings.clock,
        variable_name("instance"): "",
        variable_name("api_host"): HOST,
        variable_name("api_port"): str(access.port),
        variable_name("api_key_hashes"): access.digest,
        variable_name("secret_key"): new_secret_key(),
        variable_name("allow_targets"): "127.0.0.0/8",
    }


def _forget_state(settings: Settings) -> None:
    for folder in (settings.home.absolute() / "state").glob(f"{settings.topic_prefix}*"):
        shutil.rmtree(folder, ignore_errors=True)


def start_ends(stack: ExitStack, scene: Scene, shown: Say) -> None:
    """Starts the receiver and the API. `shown` gets the receiver's lines."""
    _start(stack, scene, ("receiver", "--log", str(scene.received)), "listening on", shown)
    _start(stack, scene, ("api",), "api is ready:")


def await_ends(scene: Scene) -> None:
    """Waits until both of `start_ends` answer. Raises Retryable."""
    receiver, api = scene.children
    scene.receiver = receiver.ready()
    api.ready()


def start_pipeline(stack: ExitStack, scene: Scene) -> None:
    """Worker and sink. Started after the subscriptions, they have them before their first record."""
    worker = _start(stack, scene, ("worker",), "worker is ready")
    sink = _start(stack, scene, ("sink",), "sink is ready")
    worker.ready()
    sink.ready()


def _start(
    stack: ExitStack, scene: Scene, arguments: tuple[str, ...], beginning: str, shown: Say = lambda _: None
) -> ChildProcess:
    log = scene.logs / f"{arguments[0]}.log"
    child = ChildProcess(arguments, scene.environment, log, beginning, shown)
    # Unwound last in, first out: sink, worker, API, receiver, then the broker.
    stack.callback(child.stop)
    scene.children.append(child)
    return child


def subscribe(scene: Scene, store: str, kinds: list[Kind]) -> None:
    """The receiver, through the REST endpoint, as any subscriber would. Raises Retryable."""
    with httpx.Client(trust_env=False, headers={HEADER: scene.access.token}, timeout=10.0) as client:
        for name, legacy in kinds:
            path = "legacy" if legacy else "webhooks"
            body = {"eventName": name, "url": f"{scene.receiver}/{path}", "legacy": legacy}
            answer = client.post(
                f"{scene.access.api}/api/{store}/webhook/subscription", json={"webhookSubscription": body}
            )
            if answer.status_code != httpx.codes.OK:
                raise Retryable(f"The API refused to subscribe to {name}: {answer.status_code} {answer.text}")

"""What the local node is told: `server.properties`, the same choices as in docker-compose.yml."""

from pathlib import Path

NODE_ID = 1


def server_properties(data: Path, port: int, controller_port: int) -> str:
    """The text of a `server.properties` for one node that is broker and controller, on 127.0.0.1 only."""
    settings = {
        **_node("broker,controller", data, controller_port),
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        # A mistyped topic must be an error, not a new topic.
        "auto.create.topics.enable": "false",
        **_one_replica("offsets.topic", "transaction.state.log", "share.coordinator.state.topic"),
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # Few partitions: each costs files and time at every start.
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.num.partitions": 4,
        "group.initial.rebalance.delay.ms": 0,
        # As long as it runs, it leads: there is nobody to take over, neither when it is slow to answer nor
        # when it goes, and transactions would be damaged meanwhile (see fencing.py).
        "broker.session.timeout.ms": 3_600_000,
        "controlled.shutdown.enable": "false",
        "broker.heartbeat.interval.ms": 500,
        # Kafka reserves 128 MB of the heap for this unless told otherwise.
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "num.network.threads": 2,
        "num.io.threads": 4,
    }
    return _text(settings)


def controller_properties(data: Path, port: int) -> str:
    """The same node as a controller only, which declares a broker dead that says nothing for a moment."""
    settings = {
        **_node("controller", data, port),
        "listeners": f"CONTROLLER://127.0.0.1:{port}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT",
        "broker.session.timeout.ms": 200,
        "broker.heartbeat.interval.ms": 50,
        # What it has decided is written at once.
        "controller.quorum.append.linger.ms": 0,
    }
    return _text(settings)


def _node(roles: str, data: Path, controller_port: int) -> dict[str, str | int]:
    return {
        "process.roles": roles,
        "node.id": NODE_ID,
        # Static voters, because the controller's port may be another one at each start.
        "controller.quorum.voters": f"{NODE_ID}@127.0.0.1:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": _escaped(str(data)),
    }


def _text(settings: dict[str, str | int]) -> str:
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _one_replica(*topics: str) -> dict[str, int]:
    return {f"{topic}.replication.factor": 1 for topic in topics}


def _escaped(text: str) -> str:
    r"""Java reads properties as Latin-1: any other character goes as \uXXXX, in UTF-16 units."""
    units = text.encode("utf-16-be")
    letters = (chr(int.from_bytes(units[i : i + 2], "big")) for i in range(0, len(units), 2))
    return "".join(
        letter if letter.isascii() and letter != "\\" else f"\\u{ord(letter):04x}" for letter in letters
    )

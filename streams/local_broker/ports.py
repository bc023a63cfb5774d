"""Free ports of 127.0.0.1, and whether the broker behind one is ours."""

import socket
from contextlib import closing

HOST = "127.0.0.1"
DEFAULT_PORT = 9092


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    with closing(socket.socket()) as probe:
        # As Java does it: connections of a broker that has just ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError:
            return False
    return True


def first_free(wanted: int) -> int:
    """`wanted`, or the next port above it that is free."""
    return next(port for port in range(wanted, 65_536) if is_free(port))


def any_free() -> int:
    """A port that the system picks, far from the usual ones."""
    with closing(socket.create_server((HOST, 0))) as probe:
        port: int = probe.getsockname()[1]
    return port


def cluster_answers(port: int, cluster: str, timeout: float = 1.0) -> bool:
    """Whether the Kafka of id `cluster` serves clients at `port`; another Kafka there is a no."""
    try:
        socket.create_connection((HOST, port), timeout).close()
    except OSError:
        return False
    return _cluster_at(port, timeout) == cluster


def _cluster_at(port: int, timeout: float) -> str | None:
    # Imported late: it loads librdkafka, and a closed port needs none.
    from confluent_kafka import KafkaException  # noqa: PLC0415
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415

    client = AdminClient({"bootstrap.servers": f"{HOST}:{port}", "log_level": 0})
    try:
        metadata = client.list_topics(timeout=timeout)
    except KafkaException:
        return None
    # A broker that has not registered itself yet would answer with nobody to talk to.
    return metadata.cluster_id if metadata.brokers else None

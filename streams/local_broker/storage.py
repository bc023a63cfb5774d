"""The data folder of the local broker: formatted once, never deleted, in use by one broker at a time."""

import fcntl
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

from streams.errors import Misconfigured, Retryable
from streams.local_broker.jars import KAFKA_VERSION, PrintLine

META_FILE = "meta.properties"
VERSION_FILE = "kafka-version"

FormatCommand = Callable[[Path, str], list[str]]
"""The command that formats a folder for a cluster of that id."""


def prepare_data(data: Path, format_command: FormatCommand, say: PrintLine) -> str:
    """Afterwards `data` is fit for this Kafka; its cluster id is returned.

    Data of an older Kafka is taken over. A newer Kafka's cannot be read: it is moved aside, whole.
    Raises Misconfigured where another broker uses it.
    """
    refuse_if_in_use(data)
    _set_aside_if_newer(data, say)
    if not (data / META_FILE).is_file():
        _format(data, format_command)
    (data / VERSION_FILE).write_text(KAFKA_VERSION)
    return cluster_id(data)


def cluster_id(data: Path) -> str:
    """The id drawn when `data` was formatted."""
    lines = (data / META_FILE).read_text().splitlines()
    return next(line.removeprefix("cluster.id=") for line in lines if line.startswith("cluster.id="))


def refuse_if_in_use(data: Path) -> None:
    """Raises Misconfigured where a running broker holds Kafka's own lock on `data`."""
    try:
        with (data / ".lock").open("r+") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return
    except OSError:
        raise Misconfigured(
            f"Another local broker is using {data}: stop it first, or set KAFKA_BOOTSTRAP_SERVERS to "
            "where it listens, or LOYALTY_HOME to another directory."
        ) from None


def _set_aside_if_newer(data: Path, say: PrintLine) -> None:
    stamp = data / VERSION_FILE
    version = stamp.read_text().strip() if stamp.is_file() else KAFKA_VERSION
    if _order(version) <= _order(KAFKA_VERSION):
        return
    aside = data.with_name(f"{data.name}-of-kafka-{version}-{uuid.uuid4().hex[:8]}")
    data.rename(aside)
    say(
        f"the data is of Kafka {version}, which {KAFKA_VERSION} cannot read: moved to {aside}, starting empty"
    )


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _format(data: Path, format_command: FormatCommand) -> None:
    # Aside, then renamed: a format cut short leaves nothing that looks formatted.
    part = data.with_name(f"{data.name}.part")
    rmtree(part, ignore_errors=True)
    command = format_command(part, _new_cluster_id())
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if run.returncode != 0:
        raise Retryable(f"Kafka could not format {data}: {(run.stderr or run.stdout).strip()[-1000:]}")
    if data.exists():
        _keep_what_is_there(data)
    part.rename(data)


def _new_cluster_id() -> str:
    encoded = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # Kafka's tool takes an id that begins with a dash for an option.
    return encoded if not encoded.startswith("-") else f"_{encoded[1:]}"


def _keep_what_is_there(data: Path) -> None:
    try:
        data.rmdir()
    except OSError:
        raise Misconfigured(
            f"{data} is not empty and holds no Kafka data ({META_FILE} is missing): move it away, or set "
            "LOYALTY_HOME to another directory."
        ) from None

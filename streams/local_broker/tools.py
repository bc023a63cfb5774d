"""Finding Java and Maven, and telling the three ways out where they are missing."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from streams.errors import Misconfigured

OLDEST_JAVA = 17
WAYS_OUT = (
    f"install Java {OLDEST_JAVA}+ and Maven; or run `docker compose up -d` and set "
    "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092; or set KAFKA_BOOTSTRAP_SERVERS to a cluster of your own."
)


def find_java(path: str | None = None) -> str:
    """The `find_java` to run: of JAVA_HOME, else of PATH; only of `path` where that is given.

    Raises Misconfigured where there is none, or only one that is too old for Kafka.
    """
    found = _of_java_home() if path is None else None
    found = found or shutil.which("java", path=path)
    version = java_version(found) if found else None
    if found is None or version is None:
        raise Misconfigured(f"The local Kafka broker needs Java, and there is none: {WAYS_OUT}")
    if version < OLDEST_JAVA:
        raise Misconfigured(f"The local Kafka broker cannot run on Java {version} ({found}): {WAYS_OUT}")
    return found


def find_maven(path: str | None = None) -> str:
    """The `mvn` to fetch jars with. Raises Misconfigured where there is none."""
    found = shutil.which("mvn", path=path)
    if found is None:
        raise Misconfigured(
            f"The local Kafka broker needs Maven for its first start, and there is none: {WAYS_OUT}"
        )
    return found


def java_version(command: str) -> int | None:
    """Its feature version (8, 11, 17 …), or None where `command` runs no Java."""
    answer = subprocess.run([command, "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    # 1.8.0_402 was Java 8; since Java 9 the first number is the version.
    match = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return int(match[1]) if match and answer.returncode == 0 else None


def _of_java_home() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home) / "bin")) if home else None

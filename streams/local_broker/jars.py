"""Kafka's jars, as the pinned pom beside this file lists them."""

import fcntl
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.errors import Misconfigured
from streams.local_broker import tools

KAFKA_VERSION = "4.4.0"
POM = Path(__file__).with_name("pom.xml")

PrintLine = Callable[[str], None]


def fetch_jars(libraries: Path, say: PrintLine, path: str | None = None) -> None:
    """Afterwards `libraries` holds exactly the pom's jars, however many processes ask at once.

    Needs Maven and the network only where the jars are not there yet. Raises Misconfigured.
    """
    if _complete(libraries):
        return
    libraries.parent.mkdir(parents=True, exist_ok=True)
    with _locked(libraries.with_name(f"{libraries.name}.lock")):
        if not _complete(libraries):
            _fetch(libraries, say, tools.find_maven(path))


def _complete(libraries: Path) -> bool:
    # The pom comes along with the jars: another pom means other jars.
    copy = libraries / POM.name
    return copy.is_file() and copy.read_bytes() == POM.read_bytes()


def _fetch(libraries: Path, say: PrintLine, maven: str) -> None:
    say(f"fetching Apache Kafka {KAFKA_VERSION} with Maven (once, 43 MB)")
    part = libraries.with_name(f"{libraries.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    shutil.copyfile(POM, part / POM.name)
    _copy_dependencies(maven, part)
    shutil.rmtree(libraries, ignore_errors=True)
    part.rename(libraries)


def _copy_dependencies(maven: str, into: Path) -> None:
    command = [maven, "-B", "-q", "--strict-checksums", "-f", str(into / POM.name)]
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={into}"]
    run = subprocess.run([*command, *goal], capture_output=True, text=True, check=False)  # noqa: S603
    if run.returncode != 0:
        reasons = [line for line in run.stdout.splitlines() if line.startswith("[ERROR]")]
        reason = reasons[0] if reasons else (run.stderr or run.stdout).strip()[-500:]
        raise Misconfigured(
            f"Maven could not fetch Apache Kafka {KAFKA_VERSION}: {reason}\nInstead: {tools.WAYS_OUT}"
        )


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

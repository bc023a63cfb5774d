"""The brokers of a run, to be struck: one, or three of which the others go on."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from streams.local_broker import LocalBroker, ports
from tests.crash.plan import Blow
from tests.kafka.three_brokers import ThreeBrokers

# Below the system's own choice for outgoing connections: a port that is dead for seconds must stay ours.
FIRST_PORT = 21_000
STARTS_WITHIN = 60.0
# Seconds after which the three give a silent one's partitions to others.
SESSION = 3.0


class Brokers(Protocol):
    """`replication` of the topics; `folder` is where there is room for files of the run."""

    replication: int

    @property
    def bootstrap_servers(self) -> str: ...
    @property
    def folder(self) -> Path: ...
    def strike(self, blow: Blow) -> None:
        """Returns at once; the next blow waits until this one is over."""

    def await_whole(self) -> None: ...


@dataclass(slots=True)
class OneBroker:
    """Started again by whoever kills it."""

    broker: LocalBroker
    dealt: Counter[str]
    replication: int = 1
    _returning: threading.Thread | None = None

    @property
    def bootstrap_servers(self) -> str:
        return self.broker.bootstrap_servers

    @property
    def folder(self) -> Path:
        return self.broker.folder

    def strike(self, blow: Blow) -> None:
        self.await_whole()
        if blow.kind == "fill":
            self._fill_disk()
        else:
            self._take_down(blow.seconds, graceful=blow.kind == "restart")

    def await_whole(self) -> None:
        if self._returning:
            self._returning.join()
        if self.broker.pid is None:
            raise RuntimeError(f"the broker is gone: see {self.broker.folder}")

    def _take_down(self, seconds: float, *, graceful: bool) -> None:
        """Back after `seconds` and the time of a start; other blows may fall meanwhile."""
        (self.broker.stop if graceful else self.broker.kill)()

        def back() -> None:
            time.sleep(seconds)
            self.broker.start()

        self._returning = threading.Thread(target=back, name="broker returns")
        self._returning.start()

    def _fill_disk(self) -> None:
        """To the last byte; the space is there again when the broker has died of it, and then so is it."""
        ballast = self.broker.folder / "ballast"
        fill(ballast)

        def back() -> None:
            until = time.monotonic() + STARTS_WITHIN
            while self.broker.pid and time.monotonic() < until:
                # A process that is not this thread's own to wait for.
                time.sleep(0.05)
            self.dealt["death of a full disk"] += self.broker.pid is None
            ballast.unlink()
            self.broker.kill()
            self.broker.start()

        self._returning = threading.Thread(target=back, name="broker returns")
        self._returning.start()


def fill(ballast: Path) -> None:
    """All the space that is left where `ballast` is."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\x00" * (1 << 16))


@dataclass(slots=True)
class Three:
    """One at a time is struck, and the next only once all replicas are there again."""

    brokers: ThreeBrokers
    replication: int = 3
    _recovering: threading.Thread | None = field(default=None)

    @property
    def bootstrap_servers(self) -> str:
        return self.brokers.bootstrap_servers

    @property
    def folder(self) -> Path:
        return self.brokers.folder

    def strike(self, blow: Blow) -> None:
        self.await_whole()
        number = int(blow.victim.rpartition("-")[2])
        self._recovering = threading.Thread(target=self._struck, args=(blow, number), name="broker returns")
        self._recovering.start()

    def await_whole(self) -> None:
        if self._recovering:
            self._recovering.join()
        self.brokers.await_all()

    def _struck(self, blow: Blow, number: int) -> None:
        three = self.brokers
        do, undo = {
            "kill": (three.kill, three.start),
            "restart": (three.stop, three.start),
            "freeze": (three.freeze, three.thaw),
            "cut": (three.cut_off, three.reconnect),
        }[blow.kind]
        do(number)
        time.sleep(blow.seconds)
        undo(number)


@contextmanager
def brokers(folder: Path, libraries: Path, count: int, dealt: Counter[str]) -> Iterator[Brokers]:
    """One broker, or three. Nothing of them outlives the block. `dealt` counts what came of blows."""
    if count == 1:
        with LocalBroker(folder, ports.first_free(FIRST_PORT), libraries=libraries) as broker:
            yield OneBroker(broker, dealt)
    else:
        with ThreeBrokers(folder / "brokers", libraries, SESSION) as three:
            yield Three(three)

"""Whether a process lives, has started and can do its work: each answer says what the process waits for."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from confluent_kafka import KafkaException

from streams.kafka.clients import Connection

SILENCE_LIMIT = 10.0
"""Seconds without an answer from Kafka after which a process is not ready."""
STALL_LIMIT = 30.0
"""Seconds without a commit, while records wait, after which a process is not ready; and without a turn of the
event loop, after which it does not live."""
_PULSE_INTERVAL, _PULSE_TIMEOUT = 2.0, 5.0

Check = Callable[[], list[str]]
"""What is waited for, a sentence each; none where nothing is. May be called in any thread."""


class Probes:
    """The probes of one process. A process that was not started waits for that alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._checks: list[Check] = []
        self._beat: float | None = None
        self._is_started = False

    def add_check(self, check: Check) -> None:
        """From now on the process is ready only while `check` waits for nothing."""
        self._checks.append(check)

    def note_start(self) -> None:
        """The process has started."""
        self._is_started = True

    def beat(self) -> None:
        """The event loop turns."""
        self._beat = self._clock()

    def liveness(self) -> list[str]:
        """/livez: what a restart would mend."""
        silent = 0.0 if self._beat is None else self._clock() - self._beat
        return [f"the event loop, which has stood for {silent:.0f} s"] if silent > STALL_LIMIT else []

    def startup(self) -> list[str]:
        """/startupz: settings and subscriptions are read, and Kafka's clients are connected."""
        return [] if self._is_started else ["the start: settings, subscriptions and tables are being read"]

    def readiness(self) -> list[str]:
        """/readyz: partitions restored, Kafka answers, and work goes on."""
        reasons = [*self.startup(), *self.liveness()]
        return reasons + [reason for check in self._checks for reason in check()]


def probe_body(reasons: list[str]) -> dict[str, object]:
    """What a probe answers: the status, and what is waited for."""
    return {"status": "Problem" if reasons else "OK", "waitsFor": reasons}


class BrokerPulse:
    """Asks Kafka every few seconds, in a thread of its own, whether it answers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._answered_at = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="broker pulse", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Does not wait for an answer that is under way."""
        self._stop.set()

    def check(self) -> list[str]:
        """Kafka, where it has been silent for too long."""
        silent = time.monotonic() - self._answered_at
        return [f"Kafka, which has not answered for {silent:.0f} s"] if silent > SILENCE_LIMIT else []

    def _ask(self) -> None:
        admin = self._connection.open_admin()
        while not self._stop.is_set():
            with suppress(KafkaException):
                admin.list_topics(timeout=_PULSE_TIMEOUT)
                self._answered_at = time.monotonic()
            self._stop.wait(_PULSE_INTERVAL)

"""Lists the members of consumer groups, in a child process, because librdkafka may crash on the answer.

librdkafka 2.16 was seen to abort in `describe_consumer_groups` when a broker went away (its issue 4605). Here
the call then raises Retryable, and the next call starts another process.
"""

import logging
import select
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import msgspec

from streams.errors import Retryable
from streams.kafka.clients import Connection

LOG = logging.getLogger(__name__)
PROGRAM = Path(__file__).with_name("group_describer.py")
ANSWER_TIMEOUT = 10.0
# Seconds beyond the cluster's time, for a process that has just been started on a busy machine.
START_TIMEOUT = 10.0
EXIT_TIMEOUT = 2.0


class GroupMember(msgspec.Struct, frozen=True):
    """`instance`: the name that it keeps over restarts, if it has one."""

    instance: str | None
    client: str
    host: str


class _Answer(msgspec.Struct):
    members: dict[str, list[GroupMember]] | None = None
    error: str = ""


class GroupDescriber:
    """To be closed. For one thread."""

    def __init__(self, connection: Connection) -> None:
        # Its log goes nowhere, and a logger cannot be sent.
        self._config = {k: v for k, v in connection.admin().items() if k != "logger"} | {"log_level": 0}
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Of the process that is asked; None where there is none."""
        return self._child.pid if self._child else None

    def members(
        self, groups: Iterable[str], within: float = ANSWER_TIMEOUT
    ) -> Mapping[str, list[GroupMember]]:
        """The members of each group; one that has ended is listed until its session expires.

        Raises Retryable where the cluster does not answer, or the process that asks it has died.
        """
        try:
            answer = self._asked({"groups": list(groups), "within": within}, within + START_TIMEOUT)
        except (OSError, EOFError, TimeoutError, msgspec.DecodeError):
            raise Retryable(f"who is in the groups is not known: {self._buried()}") from None
        if answer.members is None:
            raise Retryable(f"who is in the groups is not known: {answer.error}")
        return answer.members

    def close(self) -> None:
        if self._child:
            self._buried()

    def _asked(self, question: dict[str, Any], within: float) -> _Answer:
        child = self._child or self._started()
        assert child.stdin and child.stdout, "both are pipes"  # noqa: S101, PT018
        child.stdin.write(msgspec.json.encode(question) + b"\n")
        child.stdin.flush()
        if not select.select([child.stdout], [], [], within)[0]:
            raise TimeoutError
        line = child.stdout.readline()
        if not line:
            raise EOFError
        return msgspec.json.decode(line, type=_Answer)

    def _started(self) -> "subprocess.Popen[bytes]":
        self._child = child = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # A terminal's Ctrl-C is for whoever asks.
            start_new_session=True,
        )
        assert child.stdin, "it is a pipe"  # noqa: S101
        # Not as arguments: there may be a password among them.
        child.stdin.write(msgspec.json.encode(self._config) + b"\n")
        return child

    def _buried(self) -> str:
        """How the process ended, or was ended."""
        child, self._child = self._child, None
        if child is None:
            return "the process that asks could not be started"
        code = _ended(child)
        if code < 0:
            LOG.warning("the process that asks for groups was ended by signal %d", -code)
        return f"the process that asks for it ended with code {code}"


def _ended(child: "subprocess.Popen[bytes]") -> int:
    """Its exit code. It ends with its input, unless it is stuck."""
    assert child.stdin and child.stdout, "both are pipes"  # noqa: S101, PT018
    with suppress(OSError):
        child.stdin.close()
    try:
        return child.wait(EXIT_TIMEOUT)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()
    finally:
        child.stdout.close()

"""Prints and logs lines in which texts from outside can neither forge a line nor control the terminal."""

import logging

from streams.domain.text import escape_text

MAX_LOG_LINE = 2000
"""Most characters of a line of the log."""


def say(*lines: str, flush: bool = False) -> None:
    """Prints each text as one line, with control characters escaped."""
    for line in lines:
        print(escape_text(line), flush=flush)


class OneLine(logging.Formatter):
    """Formats each message as one line. A traceback keeps its lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - its base calls it so
        line = escape_text(super().formatMessage(record))
        return line if len(line) <= MAX_LOG_LINE else f"{line[:MAX_LOG_LINE]}… ({len(line):,} characters)"

    def formatException(self, ei: object) -> str:  # noqa: N802 - its base calls it so
        stack = super().formatException(ei)  # type: ignore[arg-type]
        return "\n".join(escape_text(line)[:MAX_LOG_LINE] for line in stack.split("\n"))

"""Lines on standard output and in logs: what came from outside forges none, and repaints nothing."""

import logging

from streams.domain.text import escape_text

MAX_LOG_LINE = 2000
"""Characters of a line of the log."""


def say(*lines: str, flush: bool = False) -> None:
    """Prints each as one line, whatever it holds."""
    for line in lines:
        print(escape_text(line), flush=flush)


class OneLine(logging.Formatter):
    """Each message is one line; a stack's lines are its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - its base calls it so
        line = escape_text(super().formatMessage(record))
        return line if len(line) <= MAX_LOG_LINE else f"{line[:MAX_LOG_LINE]}… ({len(line):,} characters)"

    def formatException(self, ei: object) -> str:  # noqa: N802 - its base calls it so
        stack = super().formatException(ei)  # type: ignore[arg-type]
        return "\n".join(escape_text(line)[:MAX_LOG_LINE] for line in stack.split("\n"))

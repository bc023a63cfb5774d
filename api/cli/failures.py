"""What the terminal says when a command fails: one sentence for what we raise on purpose."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from streams.domain.text import escape_text
from streams.errors import LoyaltyError

FAILED = 2
INTERRUPTED = 130


@contextmanager
def report_errors() -> Iterator[None]:
    """Exit code 2 and the error's own words for a LoyaltyError, 130 in silence for Ctrl-C."""
    try:
        yield
    except LoyaltyError as error:
        message = Text.assemble(("Error: ", "bold red"), _lines(str(error)))
        Console(stderr=True, soft_wrap=True).print(message)
        raise SystemExit(FAILED) from None
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


def _lines(text: str) -> str:
    """Several complaints are several lines; what they quote forges none."""
    return "\n".join(escape_text(line) for line in text.split("\n"))

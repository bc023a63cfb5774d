"""Reports a failed command on the terminal: an expected error is one sentence, without a traceback."""

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
    """Ends the process with exit code 2 and the error's message after a LoyaltyError, and with 130 after
    Ctrl-C."""
    try:
        yield
    except LoyaltyError as error:
        print_error(error)
        raise SystemExit(FAILED) from None
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


def print_error(error: LoyaltyError) -> None:
    """Prints it on standard error."""
    _print_labelled("Error: ", "bold red", str(error))


def print_note(text: str) -> None:
    """Prints on standard error what the reader should know beside the command's output."""
    _print_labelled("Note: ", "bold yellow", text)


def _print_labelled(label: str, style: str, text: str) -> None:
    Console(stderr=True, soft_wrap=True).print(Text.assemble((label, style), _lines(text)))


def _lines(text: str) -> str:
    """The message's own line breaks stay; control characters in what it quotes are escaped."""
    return "\n".join(escape_text(line) for line in text.split("\n"))

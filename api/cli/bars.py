"""A progress bar on standard error, for long work. It disappears at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn

from streams.runtime.restore_progress import TellProgress


@contextmanager
def progress_bar(*more: ProgressColumn) -> Iterator[TellProgress]:
    """Yields a function that reports progress. `more` columns stand between the bar and the time."""
    columns = (TextColumn("{task.description}"), BarColumn(), *more, TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=None)

        def tell(what: str, done: int, total: int) -> None:
            progress.update(bar, description=what, completed=done, total=total or None)

        yield tell

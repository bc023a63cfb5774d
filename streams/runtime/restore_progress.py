"""A long restore is seen: a bar in a terminal, else a line every few seconds, and a gauge in either case."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from streams.runtime.metrics import Metrics

LOG = logging.getLogger(__name__)
ReportProgress = Callable[[int, int], None]
"""Called with the changelog records read so far and how many there are to read."""
TellProgress = Callable[[str, int, int], None]
"""Called with what is going on, how far it is, and how far it will go; 0: nobody knows."""

SHOWN_AFTER = 1.0
LINE_INTERVAL = 5.0


class RestoreProgress:
    """Shows the restores of a process, several at a time. `terminal` None: there is nobody to see bars."""

    def __init__(
        self,
        metrics: Metrics,
        terminal: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._metrics = metrics
        self._bars = None if terminal is None else _Bars(terminal)
        self._clock = clock

    @property
    def bars(self) -> list[str]:
        """What the terminal shows now."""
        return [] if self._bars is None else [task.description for task in self._bars.progress.tasks]

    @contextmanager
    def shown(self, source: str, partition: int) -> Iterator[ReportProgress]:
        """Shows what it is told of one restore, from its second second on; nothing is left of it behind."""
        gauge = self._metrics.restore_left.labels(source, str(partition))
        counter, counted = self._metrics.restored.labels(source, str(partition)), 0
        name = f"{source}[{partition}]"
        one = _Lines(name, self._clock()) if self._bars is None else _Bar(self._bars, name, self._clock())

        def report(done: int, total: int) -> None:
            nonlocal counted
            gauge.set(total - done)
            # The log may grow meanwhile, and what is to be read is counted anew then.
            counter.inc(max(0, done - counted))
            counted = done
            one.told(done, total, self._clock())

        try:
            yield report
        finally:
            gauge.set(0)
            one.over()


def show_on_stderr(metrics: Metrics) -> RestoreProgress:
    """Shown on standard error."""
    return RestoreProgress(metrics, Console(stderr=True) if sys.stderr.isatty() else None)


class _Lines:
    def __init__(self, name: str, begun: float) -> None:
        self._name, self._begun, self._said = name, begun, begun + SHOWN_AFTER - LINE_INTERVAL

    def told(self, done: int, total: int, now: float) -> None:
        if now - self._said < LINE_INTERVAL or done == total:
            return
        self._said = now
        rate = done / (now - self._begun)
        left = f"{(total - done) / rate:.0f} s left" if rate else "nothing read yet"
        LOG.info("%s: restoring: %d of %d changelog records, %.0f/s, %s", self._name, done, total, rate, left)

    def over(self) -> None: ...


class _Bar:
    def __init__(self, bars: "_Bars", name: str, begun: float) -> None:
        self._bars, self._name, self._begun = bars, name, begun
        self._task: TaskID | None = None

    def told(self, done: int, total: int, now: float) -> None:
        if self._task is None and now - self._begun >= SHOWN_AFTER and done < total:
            self._task = self._bars.add(self._name, done, total)
        if self._task is not None:
            self._bars.progress.update(self._task, completed=done)

    def over(self) -> None:
        if self._task is not None:
            self._bars.remove(self._task)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:.0f}/s")


class _Bars:
    """One display for all threads that restore; it is there while there is something to show."""

    def __init__(self, terminal: Console) -> None:
        self.progress = Progress(
            TextColumn("restoring {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            console=terminal,
            transient=True,
            refresh_per_second=4,
        )
        self._lock = threading.Lock()

    def add(self, name: str, done: int, total: int) -> TaskID:
        with self._lock:
            self.progress.start()
            return self.progress.add_task(name, completed=done, total=total)

    def remove(self, task: TaskID) -> None:
        with self._lock:
            self.progress.remove_task(task)
            if not self.progress.tasks:
                self.progress.stop()

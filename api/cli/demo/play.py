"""The demo from its first line to its last."""

import asyncio
import logging
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from api.cli.demo import admin, report, scene, welcome
from api.cli.demo.player import DemoProducer, DemoRecord, with_bad_records
from api.cli.demo.progress import PipelineProgress
from api.cli.demo.reconcile import reconcile_receiver
from api.cli.demo.scene import Scene
from api.cli.demo.totals import Kind, count_topics
from api.cli.reconcile import summarize
from api.cli.store import parsed, store_settings
from connectors import cdnow
from connectors.cdnow.history import move_purchases, purchase_commands
from connectors.cdnow.reader import purchases
from connectors.http.receiver import LogLine
from streams.domain.store import StoreSettings
from streams.errors import Misconfigured
from streams.reconcile.reconciliation import Reconciliation
from streams.settings import load_settings
from streams.topics import ADMINS
from streams.webhooks import CATALOGUE

LOOK_EVERY = 0.3
DOES_NOT_AGREE = 1
LEGACY = "CustomerRegistered"
SHOWN = "AvailablePointsAmountChanged"


def play(keep: bool, file: Path | None) -> None:
    """Runs the demo. Raises SystemExit(1) if the receiver did not get exactly what was published."""
    console = Console()
    settings, store = load_settings(), parsed(cdnow.STORE)
    records = _records(file or cdnow.find_purchases_file(), store, datetime.now(UTC))
    kinds: list[Kind] = [*((name, False) for name in CATALOGUE), (LEGACY, True)]
    began = time.monotonic()
    with scene.stopping_in_order() as stack:
        guest, password = admin.make_demo_admin()
        access = scene.open_access(stack, settings)
        welcome.show_access(console, access, password)
        with console.status("looking for Kafka", spinner="dots") as line:
            here = scene.prepare_scene(stack, settings, access, line.update)
            line.update("starting receiver and API")
            scene.start_ends(stack, here, lambda said: _show(console, said))
            logging.basicConfig(filename=here.logs / "demo.log", filemode="w", level=logging.INFO)
            progress = PipelineProgress(here.connection, records, here.settings.home / "tmp")
            stack.callback(progress.close)
            player = DemoProducer(here.connection, here.partitions, progress.note_sent)
            asyncio.run(store_settings(here.connection, store))
            player.put(ADMINS, guest.admin_id, guest)
            player.flush()
            scene.await_ends(here)
            console.print(
                f"The panel answers, {time.monotonic() - began:.1f} s after the start.", highlight=False
            )
            scene.subscribe(here, store.store, kinds)
            line.update("starting worker and sink")
            scene.start_pipeline(stack, here)
        ready = time.monotonic()
        books = _pump(console, here, player, progress, records)
        done = time.monotonic()
        totals = count_topics(here.connection)
        rows = reconcile_receiver(totals, kinds, _read_receiver_log(here))
        report.show(console, records, totals, rows, progress.stats.samples.get(SHOWN))
        console.print(summarize(books), soft_wrap=True, highlight=False)
        agrees = books.agree and all(row.agrees for row in rows)
        _conclude(console, here, agrees, (ready - began, done - ready))
        if keep:
            welcome.show_calls(console, here, store.store, password)
            _stay(here)
    if not agrees:
        raise SystemExit(DOES_NOT_AGREE)


def _records(file: Path, store: StoreSettings, now: datetime) -> list[DemoRecord]:
    """The records, moved so that the last purchases are of yesterday in the store's zone. Their number, and
    what comes of them, is the same on every day."""
    yesterday = now.astimezone(ZoneInfo(store.time_zone)).date() - timedelta(days=1)
    try:
        lines = file.read_text(encoding="ascii").splitlines()
        moved = move_purchases(purchases(lines), yesterday)
        return list(with_bad_records(purchase_commands(moved, store, end=now)))
    except OSError as error:
        raise Misconfigured(f"--purchases {file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Misconfigured(f"--purchases {file}: is not ASCII text") from None
    except Misconfigured as error:
        raise Misconfigured(f"--purchases {file}: {error}") from None


def _show(console: Console, said: str) -> None:
    """Prints the receiver's lines about webhooks. The others are in its log."""
    if " member " in said:
        console.print(Text(said, "dim"), soft_wrap=True)


def _pump(
    console: Console,
    here: Scene,
    player: DemoProducer,
    progress: PipelineProgress,
    records: list[DemoRecord],
) -> Reconciliation:
    """Produces everything, and follows it until all of it is delivered or given up."""
    columns = TextColumn("{task.description:9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, refresh_per_second=4) as bars:
        produced = bars.add_task("produced", total=len(records))
        handled = bars.add_task("handled", total=len(records))
        received = bars.add_task("received", total=None)
        for record in records:
            player.play(record)
            bars.advance(produced)
        player.flush()
        books = None
        while books is None:
            progress.look(here.receiver, LOOK_EVERY)
            bars.update(handled, completed=progress.handled)
            bars.update(received, completed=progress.stats.requests)
            here.check()
            books = progress.final_books()
        progress.look(here.receiver, 0)
        bars.update(handled, completed=len(records))
        requests = progress.stats.requests
        bars.update(received, completed=requests, total=requests)
    return books


def _read_receiver_log(here: Scene) -> list[LogLine]:
    decoder = msgspec.json.Decoder(LogLine)
    with here.received.open("rb") as lines:
        return [decoder.decode(line) for line in lines]


def _conclude(console: Console, here: Scene, agrees: bool, seconds: tuple[float, float]) -> None:
    if agrees:
        console.print(
            "Every webhook event × its subscriptions = distinct messages at the receiver.", style="green"
        )
    else:
        console.print("The receiver did not get exactly what was published.", style="bold red")
    ready, played = seconds
    console.print(
        f"{ready:.1f} s to start, {played:.1f} s to play. Topics: {here.settings.topic_prefix}*"
        f" at {here.connection.bootstrap_servers}; logs in {here.logs}",
        soft_wrap=True,
        highlight=False,
    )


def _stay(here: Scene) -> None:
    """Waits for Ctrl-C. Raises Retryable if a process ends meanwhile."""
    with suppress(KeyboardInterrupt):
        while True:
            here.check()
            threading.Event().wait(1.0)

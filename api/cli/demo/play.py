"""The demo from its first line to its last."""

import asyncio
import logging
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from api.auth.authentication import HEADER
from api.cli.demo import admin, report, scene
from api.cli.demo.player import DemoProducer, DemoRecord, with_bad_records
from api.cli.demo.progress import PipelineProgress
from api.cli.demo.reconcile import Row, reconcile_receiver
from api.cli.demo.scene import Scene
from api.cli.demo.tally import Kind, TopicTally
from api.cli.reconcile import reconcile_with_progress, summarize
from api.cli.store import parsed, store_settings
from connectors import cdnow
from connectors.cdnow.history import purchase_commands
from connectors.cdnow.reader import purchases
from connectors.http.receiver import LogLine, Sample, Stats
from streams.domain.commands import AdvanceClock
from streams.domain.store import StoreSettings
from streams.errors import Misconfigured
from streams.reconcile.from_topics import Period
from streams.settings import load_settings
from streams.topics import ADMINS, WEBHOOK_EVENTS
from streams.webhooks import CATALOGUE

LOOK_EVERY = 0.3
DOES_NOT_AGREE = 1
LEGACY = "CustomerRegistered"
SHOWN = "AvailablePointsAmountChanged"


def play(keep: bool, file: Path | None) -> None:
    """Raises SystemExit(1) where the receiver did not get what was published."""
    console = Console()
    settings, store = load_settings(), parsed(cdnow.STORE)
    records = _records(file or cdnow.find_purchases_file(), store)
    kinds: list[Kind] = [*((name, False) for name in CATALOGUE), (LEGACY, True)]
    began = time.monotonic()
    with scene.stopping_in_order() as stack:
        with console.status("looking for Kafka", spinner="dots") as line:
            here = scene.prepare_scene(stack, settings, line.update)
            logging.basicConfig(filename=here.logs / "demo.log", filemode="w", level=logging.INFO)
            player = DemoProducer(here.connection, here.partitions)
            asyncio.run(store_settings(here.connection, store))
            guest, password = admin.make_demo_admin()
            player.put(ADMINS, guest.admin_id, guest)
            player.flush()
            line.update("starting receiver and API")
            scene.start_ends(stack, here, lambda said: _show(console, said))
            scene.subscribe(here, store.store, kinds)
            line.update("starting worker and sink")
            scene.start_pipeline(stack, here)
        ready = time.monotonic()
        tally = TopicTally(here.connection, here.partitions)
        stack.callback(tally.close)
        _pump(console, here, player, tally, records)
        done = time.monotonic()
        rows = _arrived(here, tally, kinds)
        report.show(console, tally, rows, _sample(here))
        books = reconcile_with_progress(here.settings, here.connection, Period())
        console.print(summarize(books), soft_wrap=True, highlight=False)
        agrees = books.agree and all(row.agrees for row in rows)
        _conclude(console, here, agrees, (ready - began, done - ready))
        if keep:
            _stay(console, here, store.store, password)
    if not agrees:
        raise SystemExit(DOES_NOT_AGREE)


def _records(file: Path, store: StoreSettings) -> list[DemoRecord]:
    try:
        lines = file.read_text(encoding="ascii").splitlines()
        return list(with_bad_records(purchase_commands(purchases(lines), store)))
    except OSError as error:
        raise Misconfigured(f"--purchases {file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Misconfigured(f"--purchases {file}: is not ASCII text") from None
    except Misconfigured as error:
        raise Misconfigured(f"--purchases {file}: {error}") from None


def _show(console: Console, said: str) -> None:
    """The receiver's lines about webhooks; the others are in its log."""
    if " member " in said:
        console.print(Text(said, "dim"), soft_wrap=True)


def _pump(
    console: Console, here: Scene, player: DemoProducer, tally: TopicTally, records: list[DemoRecord]
) -> None:
    """Produce everything, then follow it until all of it is delivered or given up."""
    course = PipelineProgress(here.connection, tally)
    columns = TextColumn("{task.description:9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, refresh_per_second=4) as progress:
        total = len(records) + (here.partitions - 1) * sum(isinstance(r, AdvanceClock) for r in records)
        produced = progress.add_task("produced", total=total)
        handled = progress.add_task("handled", total=total)
        delivered = progress.add_task("delivered", total=None)
        for record in records:
            progress.advance(produced, player.play(record))
        player.flush()
        while not course.over(total):
            progress.update(handled, completed=course.handled)
            _look(progress, delivered, tally)
            here.check()
        progress.update(handled, completed=course.handled)
        _look(progress, delivered, tally)


def _look(progress: Progress, task: TaskID, tally: TopicTally) -> None:
    until = time.monotonic() + LOOK_EVERY
    while (left := until - time.monotonic()) > 0:
        tally.read(left)
    ended = len(tally.delivered) + len(tally.given_up)
    progress.update(task, completed=ended, total=len(tally.deliveries) or None)


def _arrived(here: Scene, tally: TopicTally, kinds: list[Kind]) -> list[Row]:
    decoder = msgspec.json.Decoder(LogLine)
    with here.received.open("rb") as lines:
        received = [decoder.decode(line) for line in lines]
    return reconcile_receiver(
        tally.kinds[WEBHOOK_EVENTS.name], kinds, tally.deliveries, tally.delivered, received
    )


def _sample(here: Scene) -> Sample | None:
    answer = httpx.get(f"{here.receiver}/stats", trust_env=False)
    return msgspec.json.decode(answer.content, type=Stats).samples.get(SHOWN)


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


def _stay(console: Console, here: Scene, store: str, password: str) -> None:
    """Until Ctrl-C. Raises Retryable if a process ends meanwhile."""
    subscriptions = f"{here.api}/api/{store}/webhook/subscription"
    key = f"-H '{HEADER}: {here.token}'"
    body = '{"webhookSubscription":{"eventName":"CustomerRegistered","url":"' + here.receiver + '/mine"}}'
    for line in (
        "",
        f"Panel     {here.api}/panel",
        f"          user name {admin.USERNAME}, password {password} (drawn for this run, shown only here)",
        f"API       {here.api}, described at {here.api}/docs",
        f"API key   {here.token}",
        f"Receiver  {here.receiver}, its counts at {here.receiver}/stats",
        "",
        f"curl {key} '{subscriptions}'",
        f"curl {key} -H 'Content-Type: application/json' -d '{body}' '{subscriptions}'",
        f"curl '{here.receiver}/stats'",
        "",
        "Ctrl-C stops everything.",
    ):
        console.print(Text(line), soft_wrap=True)
    with suppress(KeyboardInterrupt):
        while True:
            here.check()
            threading.Event().wait(1.0)

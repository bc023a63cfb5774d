"""`loyalty topics`: the topics as the registry says they are, made and looked at."""

from typing import TYPE_CHECKING

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from streams.kafka.topics import Topic

app = typer.Typer(no_args_is_help=True, help="Kafka topics: create, list.")


@app.command()
def create() -> None:
    """Create those that are missing, and check that all fit each other; harmless when repeated."""
    from streams import settings
    from streams.kafka import admin, clients
    from streams.kafka.broker import ensure_broker
    from streams.kafka.generations import at_present
    from streams.kafka.topics import TOPICS

    loaded, console = settings.load(), Console(soft_wrap=True)
    with console.status("connecting", spinner="dots") as line, ensure_broker(loaded, line.update) as servers:
        line.update("creating topics")
        created = admin.create_topics(at_present(clients.connection(loaded, servers)), loaded)
    for name in created:
        console.print(f"created {name}", highlight=False)
    console.print(f"{len(created)} of {len(TOPICS)} topics created; all {len(TOPICS)} are there and fit.")


@app.command("list")
def show() -> None:
    """Every topic: its key, schemas, cleanup, writer, and the partitions found in the cluster."""
    from streams import settings
    from streams.kafka import admin, clients
    from streams.kafka.broker import ensure_broker
    from streams.kafka.generations import at_present
    from streams.kafka.topics import TOPICS

    loaded, console = settings.load(), Console()
    with console.status("connecting", spinner="dots") as line, ensure_broker(loaded, line.update) as servers:
        connection = at_present(clients.connection(loaded, servers))
        found = admin.partitions(connection)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    # Wide enough for the longest name: it is what one copies.
    table.add_column("topic and schemas", ratio=3, min_width=max(len(connection.topic(t)) for t in TOPICS))
    table.add_column("key, kept, writer", ratio=2)
    table.add_column("partitions", justify="right")
    for topic in TOPICS:
        title = Text.assemble((connection.topic(topic), "bold"), "\n", _schemas(topic))
        partitions = Text(str(found[topic.name])) if topic.name in found else Text("missing", "bold red")
        table.add_row(title, f"{topic.key}\n{_kept(topic)}\n{topic.writer}", partitions)
    console.print(table)
    if len(found) < len(TOPICS):
        console.print("Run `loyalty topics create` to make what is missing.")


def _schemas(topic: "Topic") -> str:
    return ", ".join(kind.__name__ for kind in topic.values) or "bytes of the table"


def _kept(topic: "Topic") -> str:
    if topic.compacted:
        return "latest of each key"
    return "for ever" if topic.retention is None else f"{topic.retention.days} days"

"""`loyalty topics`: creates the registry's topics, shows them, and sets how long they are kept."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.cli import admin_scripts

if TYPE_CHECKING:
    from streams.kafka.clients import Connection
    from streams.kafka.topic_config import Difference
    from streams.topics import Topic

app = typer.Typer(
    no_args_is_help=True, help="Kafka topics: create, list, apply; print commands for an administrator."
)
app.command("print")(admin_scripts.print_topics)
app.command("acls")(admin_scripts.print_acls)


@app.command()
def create() -> None:
    """Create missing topics and check that all fit together. Running it again does no harm."""
    from api.cli.cluster_choice import locate_cluster
    from streams.kafka import clients, topic_admin
    from streams.runtime.state_versions import at_state_version
    from streams.settings import load_settings
    from streams.topics import GENERATIONS, TOPICS

    console = Console(soft_wrap=True)
    settings = locate_cluster(load_settings())
    with console.status("creating topics", spinner="dots"):
        connection = clients.connection(settings, settings.bootstrap_servers or "")
        created = topic_admin.create_topics(connection, settings, (GENERATIONS,))
        created += topic_admin.create_topics(at_state_version(connection), settings)
    for name in created:
        console.print(f"created {name}", highlight=False)
    console.print(f"{len(created)} of {len(TOPICS)} topics created; all {len(TOPICS)} are there and fit.")


@app.command("list")
def show() -> None:
    """List every topic with key, schemas, writer and retention, and where the cluster differs."""
    from api.cli.cluster_choice import locate_cluster
    from streams.kafka import clients, topic_admin
    from streams.kafka.topic_config import find_differences
    from streams.kafka.topic_retention import with_retention
    from streams.runtime.state_versions import at_shown_version
    from streams.settings import load_settings

    console = Console()
    settings = locate_cluster(load_settings())
    topics = with_retention(settings.retention)
    with console.status("connecting", spinner="dots"):
        connection = at_shown_version(clients.connection(settings, settings.bootstrap_servers or ""))
        found = topic_admin.partitions(connection)
        different = find_differences(connection, [topic for topic in topics if topic.name in found])
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    # Wide enough for the longest name, because people copy it.
    table.add_column("topic and schemas", ratio=3, min_width=max(len(connection.topic(t)) for t in topics))
    table.add_column("key, kept, writer", ratio=2)
    table.add_column("partitions", justify="right")
    for topic in topics:
        title = Text.assemble((connection.topic(topic), "bold"), "\n", _schemas(topic))
        partitions = Text(str(found[topic.name])) if topic.name in found else Text("missing", "bold red")
        table.add_row(title, _describe_topic(topic, different), partitions)
    console.print(table)
    if len(found) < len(topics):
        console.print(_describe_missing(connection, len(found), len(topics)), soft_wrap=True, highlight=False)
    if different:
        console.print("Run `loyalty topics apply` to have the cluster keep them so.")


@app.command()
def apply(
    *, dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it, and change nothing.")] = False
) -> None:
    """Have the cluster keep the topics that are there as the registry and LOYALTY_RETENTION say.

    Kept for a shorter time, what is older goes within minutes, and does not come back.
    """
    from api.cli.processes import process
    from streams.kafka import topic_config
    from streams.kafka.topic_retention import with_retention

    console = Console(highlight=False, soft_wrap=True)
    with process("topics") as (loaded, connection):
        different = topic_config.find_differences(connection, with_retention(loaded.retention))
        for one in different:
            console.print(f"{connection.topic(one.topic)}: {_change(one)}")
        if not dry_run:
            topic_config.apply_config(connection, different)
    count = len({one.topic.name for one in different})
    console.print(f"{count} topics {'would be' if dry_run else 'were'} changed")


def _describe_missing(connection: "Connection", found: int, wanted: int) -> str:
    from api.cli.cluster_choice import describe_others
    from streams.kafka.topic_admin import find_prefixes

    where = f"{connection.bootstrap_servers} has {found or 'none'} of the {wanted} topics"
    said = f"{where} with the prefix {connection.prefix!r}. `loyalty topics create` makes what is missing."
    return said if found else said + describe_others(find_prefixes(connection), connection.prefix)


def _describe_topic(topic: "Topic", different: "Sequence[Difference]") -> Text:
    told = Text(f"{topic.key}\n{_describe_retention(topic)}\n{topic.writer}")
    for one in different:
        if one.topic is topic:
            told.append(f"\nin the cluster: {_change(one)}", "bold red")
    return told


def _change(one: "Difference") -> str:
    """A difference as `retention.ms 30 days → 90 days`; -1 is for ever."""
    return f"{one.entry} {_read(one.entry, one.found)} → {_read(one.entry, one.meant)}"


def _read(entry: str, text: str) -> str:
    days, rest = divmod(int(text), 86_400_000) if entry.endswith(".ms") else (0, 1)
    if text == "-1":
        return "for ever"
    return text if rest else f"{days} days"


def _schemas(topic: "Topic") -> str:
    return ", ".join(kind.__name__ for kind in topic.values) or "bytes of the table"


def _describe_retention(topic: "Topic") -> str:
    if topic.compacted:
        return "latest of each key"
    return "for ever" if topic.retention is None else f"{topic.retention.days} days"

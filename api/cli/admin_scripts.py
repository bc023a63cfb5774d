"""Commands of Kafka's own tools, for whoever administers a cluster in which ours may not create or grant."""

from collections.abc import Iterator
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from streams.kafka.acls import Acl
    from streams.kafka.clients import Connection
    from streams.settings import Settings

SERVERS = "$KAFKA_BOOTSTRAP_SERVERS"
CONFIG = "--command-config admin.properties"


def print_topics() -> None:
    """Print the `kafka-topics.sh` commands that make all topics. It needs no Kafka.

    LOYALTY_PARTITIONS, LOYALTY_REPLICATION and LOYALTY_RETENTION say how many and how long.
    """
    from streams.settings import load_settings

    for line in topic_commands(load_settings()):
        typer.echo(line)


def print_acls(
    role: Annotated[
        list[str] | None,
        typer.Argument(help="worker, sink, api, producer or operator; all unless given.", show_default=False),
    ] = None,
    principal: Annotated[
        str, typer.Option(help="To whom the rights are granted; {role} stands for the role.")
    ] = "User:loyalty-{role}",
) -> None:
    """Print the `kafka-acls.sh` commands that grant each process what it needs. It needs no Kafka."""
    from streams.errors import Misconfigured
    from streams.kafka.acls import ROLES, acls
    from streams.settings import load_settings

    settings = load_settings()
    unknown = [each for each in role or () if each not in ROLES]
    if unknown:
        raise Misconfigured(f"{unknown[0]!r} is no role: {', '.join(ROLES)} are")
    for each in ROLES:
        if not role or each in role:
            typer.echo(f"# {each}")
            for acl in acls(_named(settings), each):
                typer.echo(acl_command(acl, principal.replace("{role}", each)))


def topic_commands(settings: "Settings") -> Iterator[str]:
    """One command for each topic."""
    from streams.kafka.topic_admin import topic_config
    from streams.kafka.topic_retention import with_retention

    named = _named(settings)
    for topic in with_retention(settings.retention):
        configured = topic_config(topic, settings.replication).items()
        yield " ".join(
            (
                f"kafka-topics.sh --bootstrap-server {SERVERS} {CONFIG} --create --if-not-exists",
                f"--topic {named.topic(topic)} --partitions {topic.partitions or settings.partitions}",
                f"--replication-factor {settings.replication}",
                *(f"--config {name}={value}" for name, value in sorted(configured)),
            )
        )


def acl_command(acl: "Acl", principal: str) -> str:
    kind = {"Topic": "--topic", "Group": "--group", "TransactionalId": "--transactional-id"}.get(acl.kind)
    pattern = "prefixed" if acl.prefixed else "literal"
    resource = f"{kind} {quote(acl.name)} --resource-pattern-type {pattern}" if kind else "--cluster"
    operations = " ".join(f"--operation {each}" for each in acl.operations)
    return (
        f"kafka-acls.sh --bootstrap-server {SERVERS} {CONFIG} --add --allow-principal {quote(principal)} "
        f"{operations} {resource}"
    )


def _named(settings: "Settings") -> "Connection":
    from streams.kafka.clients import Connection

    return Connection("", settings.topic_prefix)

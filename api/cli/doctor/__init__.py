"""`loyalty doctor`: looks at everything that a deployment needs, and says what to do.

findings   one line of the report: ok, advice or wrong (pure)
machine    settings, disk, secret key, ports
cluster    Kafka's version, topics, replicas, clocks
records    control records that cannot be used, secrets that cannot be opened
"""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from api.cli.doctor.findings import Finding
    from streams.settings import Settings

WRONG_FOUND = 1


def run(
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object: `ok`, and a list of findings.")
    ] = False,
) -> None:
    """Check settings, disk, ports, secret key, Kafka, topics, replicas, clock and control records.

    Each line is ok, advice, or wrong with what to do. Nothing is changed. Exit code 1 if anything is wrong.
    """
    from api.cli.doctor.findings import describe_report, encode_report
    from api.cli.lines import say
    from api.cli.processes import set_up_logging

    set_up_logging("doctor")
    findings = []
    for finding in examine():
        findings.append(finding)
        if not json:
            say(*describe_report(finding), flush=True)
    if json:
        print(encode_report(findings))
    if any(finding.level == "wrong" for finding in findings):
        raise SystemExit(WRONG_FOUND)


def examine() -> "Iterator[Finding]":
    """Yields the findings as they are made. What needs Kafka is left out where none answers."""
    from api.cli.doctor import machine
    from api.cli.doctor.findings import Finding
    from streams.errors import Misconfigured
    from streams.settings import load_settings

    try:
        settings = load_settings()
    except Misconfigured as error:
        yield Finding(
            "settings", "wrong", str(error), "correct the variable; `loyalty settings` explains each"
        )
        return
    yield Finding("settings", "ok", "every variable that is set has a valid value")
    yield machine.check_disk(settings.home)
    yield machine.check_api_port(settings)
    if settings.metrics_ports:
        yield machine.check_metrics_port(settings)
    yield machine.check_secret_key(settings)
    yield from _examine_cluster(settings)


def _examine_cluster(settings: "Settings") -> "Iterator[Finding]":
    from api.cli.cluster_choice import locate_cluster
    from api.cli.doctor import cluster, records
    from api.cli.doctor.findings import Finding
    from streams.errors import Misconfigured, Retryable
    from streams.kafka.clients import connection
    from streams.runtime.state_versions import at_shown_version

    try:
        settings = locate_cluster(settings)
        there = connection(settings, settings.bootstrap_servers or "")
        yield cluster.check_brokers(there, settings.home)
        there = at_shown_version(there)
        topics = cluster.check_topics(there, settings)
        yield from topics
        # Without all topics nothing else can be asked; how they are configured hinders no other check.
        if topics[0].level == "wrong":
            return
        yield cluster.check_replicas(there)
        yield cluster.check_clock(there)
        yield from asyncio.run(records.check_records(there, settings))
    except Misconfigured as error:
        yield Finding("kafka", "wrong", str(error))
    except Retryable as error:
        yield Finding("kafka", "wrong", str(error), "check the address, and that the cluster runs")

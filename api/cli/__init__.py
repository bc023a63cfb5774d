"""The `loyalty` command: one module for each sub-command, wired here and nowhere else.

worker, sink, api   long-running processes; supervise, supervisor: restarting them; processes: what they share
broker, topics      the local broker; the cluster's topics
store               a store's settings; settings: the deployment's
admin, secret_key   who may log in; a key for secrets; audit: who changed what
webhooks            the catalogue; receiver: an endpoint to try it on
listen              webhooks on this machine; listening: its session; trigger: an example
api_client          calls the REST API
imports             CSV files and history
expiring            preview of announcements; identifiers: unusable phones, e-mails and cards
erase               forgets a member
replay              sends again; replay_state: builds the state anew; backfill: applies a new rule to the past
dead_letters        lists and redrives; poison: unreadable records; redriving: what both share
reconcile           checks the books; reconcile_state: the state
doctor              lists unusable control records
demo                the whole pipeline on real parts
lines, bars         output that cannot be forged; progress bars; failures: errors in one sentence

Commands import what they need when they run, so that `loyalty --help` stays fast.
"""

import typer

from api.cli import (
    admin,
    api,
    audit,
    backfill,
    broker,
    dead_letters,
    demo,
    doctor,
    erase,
    expiring,
    failures,
    identifiers,
    imports,
    listen,
    poison,
    receiver,
    reconcile,
    replay,
    secret_key,
    settings,
    sink,
    store,
    topics,
    trigger,
    webhooks,
    worker,
)

app = typer.Typer(
    name="loyalty",
    help="A loyalty programme's facts go in as Avro records on Kafka; webhooks come out as HTTP POSTs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)

app.add_typer(broker.app, name="broker")
app.add_typer(topics.app, name="topics")
app.add_typer(store.app, name="store")
app.add_typer(expiring.app, name="expiring")
app.add_typer(identifiers.app, name="identifiers")
app.add_typer(admin.app, name="admin")
app.add_typer(audit.app, name="audit")
app.add_typer(poison.app, name="poison")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(replay.app, name="replay")
app.add_typer(webhooks.app, name="webhooks")
app.command(name="settings")(settings.show)
app.command(name="api")(api.run)
app.command(name="api-key")(api.new_key)
app.command(name="openapi")(api.describe)
app.command(name="secret-key")(secret_key.new_key)
app.command(name="doctor")(doctor.run)
app.command(name="worker")(worker.run)
app.command(name="sink")(sink.run)
app.command(name="backfill")(backfill.run)
app.command(name="reconcile")(reconcile.run)
app.command(name="receiver")(receiver.receive)
app.command(name="listen")(listen.run)
app.command(name="trigger")(trigger.run)
app.command(name="import")(imports.run)
app.command(name="load-history")(imports.history.load)
app.command(name="erase")(erase.run)
app.command(name="demo")(demo.run)


def main() -> None:
    """Runs one command and ends the process with its exit code."""
    with failures.report_errors():
        app()

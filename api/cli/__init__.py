"""The `loyalty` command: one module for each sub-command, wired here and nowhere else.

worker, sink, api   long-running processes; supervise, supervisor: restarting them; processes: what they share
cluster_choice      which Kafka a command works with; system_notes: where the running system is
broker, topics      the local broker; the cluster's topics; admin_scripts: commands for its administrator
subscriptions       who gets which webhook; why: why one came, or did not; member: one member
services            the API's services, for the commands that work by them
store               a store's settings; settings: the deployment's
admin, secret_key   who may log in; a key for secrets; audit: who changed what
webhooks            the catalogue; receiver: an endpoint to try it on
listen              webhooks on this machine; listening: its session; trigger: an example
send                commands from a file; rejections: what became of those that were refused
api_client          calls the REST API
imports             CSV files and history
expiring            preview of announcements; identifiers: unusable phones, e-mails and cards
erase               forgets a member
replay              sends again; replay_state: builds the state anew; backfill: applies a new rule to the past
dead_letters        lists and redrives; poison: unreadable records; redriving: what both share
reconcile           checks the books; reconcile_state: the state
doctor              what is wrong with the deployment, and what to do
demo                the whole pipeline on real parts
help_pages          the groups and examples of help pages
lines, bars         output that cannot be forged; progress bars; failures: errors in one sentence

Commands import what they need when they run, so that `loyalty --help` stays fast.
"""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

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
    help_pages,
    identifiers,
    imports,
    listen,
    member,
    poison,
    receiver,
    reconcile,
    rejections,
    replay,
    secret_key,
    send,
    settings,
    sink,
    store,
    subscriptions,
    topics,
    trigger,
    webhooks,
    why,
    worker,
)
from api.cli.help_pages import LOOK, REPAIR, RUN, SET_UP


class CheckedGroup(TyperGroup):
    """Refuses a LOYALTY_… variable that there is not, whatever command is run. Help is given in any
    environment."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[_HELP_WANTED] = "--help" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        from streams.settings import require_valid_names

        if not ctx.meta[_HELP_WANTED]:
            require_valid_names()
        return super().invoke(ctx)


_HELP_WANTED = "api.cli.help_wanted"
app = typer.Typer(
    name="loyalty",
    cls=CheckedGroup,
    help="A loyalty programme's facts go in as Avro records on Kafka; webhooks come out as HTTP POSTs.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"loyalty {version('loyalty-webhooks')}")
        raise typer.Exit


@app.callback()
def _begin(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and end."),
    ] = False,
) -> None:
    """A loyalty programme's facts go in as Avro records on Kafka; webhooks come out as HTTP POSTs."""


app.add_typer(broker.app, name="broker", rich_help_panel=RUN)
app.command(name="worker", rich_help_panel=RUN)(worker.run)
app.command(name="sink", rich_help_panel=RUN)(sink.run)
app.command(name="api", rich_help_panel=RUN)(api.run)
app.command(name="receiver", rich_help_panel=RUN)(receiver.receive)
app.command(name="listen", rich_help_panel=RUN)(listen.run)
app.command(name="trigger", rich_help_panel=RUN)(trigger.run)
app.command(name="send", rich_help_panel=RUN)(send.run)
app.command(name="demo", rich_help_panel=RUN)(demo.run)

app.add_typer(topics.app, name="topics", rich_help_panel=SET_UP)
app.add_typer(store.app, name="store", rich_help_panel=SET_UP)
app.add_typer(subscriptions.app, name="subscriptions", rich_help_panel=SET_UP)
app.add_typer(admin.app, name="admin", rich_help_panel=SET_UP)
app.command(name="secret-key", rich_help_panel=SET_UP)(secret_key.new_key)
app.command(name="api-key", rich_help_panel=SET_UP)(api.new_key)
app.command(name="settings", rich_help_panel=SET_UP)(settings.show)
app.command(name="import", rich_help_panel=SET_UP)(imports.run)
app.command(name="load-history", rich_help_panel=SET_UP)(imports.history.load)

app.add_typer(webhooks.app, name="webhooks", rich_help_panel=LOOK)
app.command(name="why", rich_help_panel=LOOK)(why.run)
app.add_typer(member.app, name="member", rich_help_panel=LOOK)
app.add_typer(expiring.app, name="expiring", rich_help_panel=LOOK)
app.add_typer(audit.app, name="audit", rich_help_panel=LOOK)
app.command(name="openapi", rich_help_panel=LOOK)(api.describe)

app.command(name="doctor", rich_help_panel=REPAIR)(doctor.run)
app.add_typer(dead_letters.app, name="dead-letters", rich_help_panel=REPAIR)
app.add_typer(rejections.app, name="rejections", rich_help_panel=REPAIR)
app.add_typer(poison.app, name="poison", rich_help_panel=REPAIR)
app.add_typer(replay.app, name="replay", rich_help_panel=REPAIR)
app.command(name="backfill", rich_help_panel=REPAIR)(backfill.run)
app.command(name="reconcile", rich_help_panel=REPAIR)(reconcile.run)
app.add_typer(identifiers.app, name="identifiers", rich_help_panel=REPAIR)
app.command(name="erase", rich_help_panel=REPAIR)(erase.run)
help_pages.add_examples(app)


def main() -> None:
    """Runs one command and ends the process with its exit code."""
    with failures.report_errors():
        app()

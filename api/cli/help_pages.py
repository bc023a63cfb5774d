"""The groups of commands in `loyalty --help`, and the example at the end of each help page."""

import typer

RUN, SET_UP, LOOK, REPAIR = "Run", "Set up", "Look", "Repair"
"""The groups of `loyalty --help`; each command is in one of them."""

EXAMPLES = {
    "": "loyalty demo",
    "admin": "loyalty admin list",
    "admin create": "loyalty admin create anna --scope read --scope subscriptions --store DEFAULT",
    "admin list": "loyalty admin list",
    "admin password": "loyalty admin password anna < new-password.txt",
    "admin remove": "loyalty admin remove anna",
    "api": "LOYALTY_API_PORT=8081 loyalty api --supervise",
    "api-key": "loyalty api-key",
    "audit": "loyalty audit list",
    "audit list": "loyalty audit list --who 'loyalty admin (root)' --limit 20 --json",
    "backfill": "loyalty backfill CustomerUpdated --from 30d --all-subscriptions DEFAULT --dry-run",
    "broker": "loyalty broker start",
    "broker start": "loyalty broker start --port 9092",
    "broker status": "loyalty broker status",
    "broker stop": "loyalty broker stop",
    "dead-letters": "loyalty dead-letters list --status 5xx",
    "dead-letters list": "loyalty dead-letters list --event CustomerUpdated --from 24h --json",
    "dead-letters redrive": "loyalty dead-letters redrive --status 5xx --from 24h --dry-run",
    "dead-letters show": "loyalty dead-letters show 3f2a9c1e-6c53-4d46-9d0d-0f5b7b2f6a11",
    "demo": "loyalty demo --keep",
    "doctor": "loyalty doctor",
    "erase": "loyalty erase --store DEFAULT --member 5e675676-f5fb-5a30-9e6a-9cf3649afbc4 --dry-run",
    "expiring": "loyalty expiring preview --store DEFAULT --on 2026-12-24",
    "expiring preview": "loyalty expiring preview --store DEFAULT --on 2026-12-24 --days 7",
    "identifiers": "loyalty identifiers check --store DEFAULT",
    "identifiers check": "loyalty identifiers check --store DEFAULT --limit 20",
    "import": "loyalty import members customers.csv --store DEFAULT --dry-run",
    "listen": "loyalty listen --forward-to http://localhost:3000/hooks --event CustomerRegistered",
    "load-history": "loyalty load-history --members m.csv --transactions t.csv --store DEFAULT --dry-run",
    "openapi": "loyalty openapi > openapi.json",
    "poison": "loyalty poison list --since 24h",
    "poison list": "loyalty poison list --topic commands --since 24h --json",
    "poison redrive": "loyalty poison redrive --topic commands --dry-run",
    "receiver": "loyalty receiver --port 3000 --fail-first 2",
    "reconcile": "loyalty reconcile --from 24h --store DEFAULT --json",
    "rejections": "loyalty rejections list --store DEFAULT",
    "rejections list": "loyalty rejections list --store DEFAULT --text email --json",
    "rejections show": "loyalty rejections show 3:41",
    "replay": "loyalty replay webhooks --subscription ID --from 24h --dry-run",
    "replay state": "loyalty replay state --build",
    "replay webhooks": "loyalty replay webhooks --subscription ID --from 24h --only failed --dry-run",
    "secret-key": "loyalty secret-key",
    "send": "loyalty send commands.jsonl --store DEFAULT",
    "settings": "loyalty settings",
    "sink": "loyalty sink --supervise",
    "store": "loyalty store put store.json",
    "store check": "loyalty store check store.json",
    "store diff": "loyalty store diff store.json",
    "store docs": "loyalty store docs > store-settings.md",
    "store example": "loyalty store example > store.json",
    "store get": "loyalty store get DEFAULT > store.json",
    "store list": "loyalty store list --json",
    "store put": "loyalty store put store.json",
    "store schema": "loyalty store schema > store.schema.json",
    "topics": "loyalty topics list",
    "topics acls": "loyalty topics acls worker --principal User:CN=worker",
    "topics apply": "loyalty topics apply --dry-run",
    "topics create": "loyalty topics create",
    "topics list": "loyalty topics list",
    "topics print": "loyalty topics print > make-topics.sh",
    "trigger": "loyalty trigger CustomerRegistered --member email=anna@example.com",
    "webhooks": "loyalty webhooks list",
    "webhooks asyncapi": "loyalty webhooks asyncapi > asyncapi.json",
    "webhooks docs": "loyalty webhooks docs > webhooks.md",
    "webhooks list": "loyalty webhooks list",
    "webhooks schema": "loyalty webhooks schema CustomerUpdated --legacy",
    "worker": "loyalty worker --supervise",
}
"""One example for each help page, by the words after `loyalty`. A test runs each line through its parser."""


def add_examples(app: typer.Typer, words: tuple[str, ...] = ()) -> None:
    """Puts its example at the end of each command's and each group's help page."""
    app.info.epilog = _ending(words)
    for command in app.registered_commands:
        name = command.name or (command.callback.__name__ if command.callback else "")
        command.epilog = _ending((*words, name))
    for group in app.registered_groups:
        if group.typer_instance and group.name:
            group.epilog = _ending((*words, group.name))
            add_examples(group.typer_instance, (*words, group.name))


def _ending(words: tuple[str, ...]) -> str | None:
    example = EXAMPLES.get(" ".join(words))
    return f"Example: {example.replace('[', chr(92) + '[')}" if example else None

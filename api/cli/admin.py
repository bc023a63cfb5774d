"""`loyalty admin`: those who log in to the API. There is none, and no password, until one is made here."""

import asyncio
import getpass
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from json import dumps
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.lines import say

if TYPE_CHECKING:
    from api.auth.audit import AuditedLog
    from api.auth.principals import Principals
    from streams.access import Admin, Scope
    from streams.kafka.clients import Connection

    Work = Callable[[Principals, AuditedLog[Admin]], Awaitable[str]]

app = typer.Typer(no_args_is_help=True, help="Admins, who log in to the API: create, password, list, remove.")

Username = Annotated[str, typer.Argument(help="1 to 255 characters.")]
Scopes = Annotated[
    list[str] | None, typer.Option("--scope", help="read, commands, subscriptions, admin; all unless given.")
]
Stores = Annotated[list[str] | None, typer.Option("--store", help="Code of a store; all unless given.")]


@app.command()
def create(username: Username, scope: Scopes = None, store: Stores = None) -> None:
    """Make an admin; the password is asked for, or read from standard input."""
    from uuid import uuid4

    from streams.access import SCOPES, Admin
    from streams.domain.text import find_text_flaw
    from streams.errors import Misconfigured

    scopes = _scopes(scope)
    password = _hash_password(_password())
    problem = find_text_flaw(username)
    if problem or not 1 <= len(username) <= 255:
        raise Misconfigured(f"username {username!r} is not valid: {problem or '1 to 255 characters'}")
    for code in store or ():
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", code):
            raise Misconfigured(f"--store {code!r} is no store's code: letters, digits and _.- only")

    async def work(principals: "Principals", admins: "AuditedLog[Admin]") -> str:
        now = datetime.now(UTC)
        admin = Admin(
            admin_id=str(uuid4()),
            username=username,
            password=password,
            created_at=now,
            tokens_since=now,
            scopes=scopes or SCOPES,
            stores=tuple(store or ()),
        )

        def made(_: "Admin | None") -> "Admin":
            if principals.named(username):
                raise Misconfigured(f"There is an admin {username!r} already: see `loyalty admin password`")
            return admin

        await admins.change(admin.admin_id, made)
        return f"admin {username} made: {admin.admin_id}"

    _report_done(work)


@app.command()
def password(username: Username) -> None:
    """Set another password; whoever is logged in with the old one has to log in anew."""
    from msgspec.structs import replace

    fresh = _hash_password(_password())

    async def work(principals: "Principals", admins: "AuditedLog[Admin]") -> str:
        def made(_: "Admin | None") -> "Admin":
            return replace(_find_admin(principals, username), password=fresh, tokens_since=datetime.now(UTC))

        await admins.change(_find_admin(principals, username).admin_id, made)
        return f"password of {username} set"

    _report_done(work)


@app.command()
def remove(username: Username) -> None:
    """End an admin, every login of it and every one of its API keys."""

    async def work(principals: "Principals", admins: "AuditedLog[Admin]") -> str:
        admin = _find_admin(principals, username)
        await admins.write(admin.admin_id, None)
        return f"admin {username} removed, and with it {len(principals.keys_of(admin.admin_id))} API keys"

    _report_done(work)


@app.command("list")
def list_admins(
    json_lines: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Each admin: id, name, scopes, stores, API keys."""

    from api.cli.failures import print_note
    from streams.domain.text import escape_text

    async def work(principals: "Principals", _: "AuditedLog[Admin]") -> str:
        if json_lines:
            return "\n".join(dumps(_row(a, len(principals.keys_of(a.admin_id)))) for a in principals.admins())
        if not principals.admins():
            print_note("there is no admin yet: `loyalty admin create NAME` makes one")
        return "\n".join(
            f"{a.admin_id}  {escape_text(a.username)}  {','.join(a.scopes)}  "
            f"{','.join(a.stores) or 'all stores'}  {len(principals.keys_of(a.admin_id))} API keys"
            for a in principals.admins()
        )

    _report_done(work)


def _row(admin: "Admin", keys: int) -> dict[str, object]:
    return {
        "adminId": admin.admin_id,
        "username": admin.username,
        "scopes": list(admin.scopes),
        "stores": list(admin.stores),
        "apiKeys": keys,
    }


def _report_done(work: "Work") -> None:
    from api.cli.processes import process

    with process("admin") as (_, connection):
        say(*asyncio.run(_with_callers(connection, work)).splitlines())


async def _with_callers(connection: "Connection", work: "Work") -> str:
    from api.auth.audit import AuditedLog, AuditTrail
    from api.auth.authentication import CHANGE_SOURCE, ChangeSource
    from api.auth.principals import Principals
    from api.process.control_topics import AuditAppender, follow_principals
    from api.process.topic_log import TopicLog
    from streams.kafka.producer import RecordAppender
    from streams.topics import ADMINS

    CHANGE_SOURCE.set(ChangeSource(f"loyalty admin ({system_user()})", ""))
    principals, appender = Principals(), RecordAppender(connection)
    views = follow_principals(connection, principals)
    audit = AuditTrail(AuditAppender(appender).append, lambda: datetime.now(UTC))
    log = TopicLog(connection, ADMINS, views[0], principals.admin, together=False)
    try:
        await asyncio.gather(*(view.start() for view in views))
        return await work(principals, AuditedLog(log, audit, "admin"))
    finally:
        await asyncio.gather(appender.close(), *(view.stop() for view in views))


def _find_admin(principals: "Principals", username: str) -> "Admin":
    from streams.errors import Misconfigured

    found = principals.named(username)
    if found is None:
        raise Misconfigured(f"There is no admin {username!r}: `loyalty admin list` shows all")
    return found


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _hash_password(text: str) -> str:
    from api.auth import passwords
    from streams.errors import Misconfigured

    try:
        return passwords.hash_password(text)
    except ValueError as error:
        raise Misconfigured(f"The password {error}") from None


def _scopes(wanted: list[str] | None) -> "tuple[Scope, ...]":
    from streams.access import SCOPES
    from streams.errors import Misconfigured

    for scope in wanted or ():
        if scope not in SCOPES:
            raise Misconfigured(f"--scope {scope!r} is not valid: one of {', '.join(SCOPES)}")
    return tuple(scope for scope in SCOPES if scope in (wanted or ()))


def system_user() -> str:
    """The name of the system's user, for the audit."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"

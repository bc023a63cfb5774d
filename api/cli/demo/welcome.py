"""How to reach what the demo starts: shown first, and again when it stays up."""

import os
import shlex
import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from api.auth.authentication import HEADER
from api.cli.demo.admin import USERNAME
from api.cli.demo.scene import Access, Scene
from streams.settings import variable_name


def show_access(console: Console, access: Access, password: str) -> None:
    """Prints the panel's address, its user and password, and how to call `loyalty` beside the demo."""
    for line in (*_access_lines(access, password), ""):
        console.print(Text(line), soft_wrap=True)


def show_calls(console: Console, here: Scene, store: str, password: str) -> None:
    """Prints the same, and calls to copy."""
    api, receiver = here.access.api, here.receiver
    subscriptions = f"{api}/api/{store}/webhook/subscription"
    key = f"-H '{HEADER}: {here.access.token}'"
    body = '{"webhookSubscription":{"eventName":"CustomerRegistered","url":"' + receiver + '/mine"}}'
    for line in (
        "",
        *_access_lines(here.access, password),
        f"API       {api}, described at {api}/docs",
        f"Receiver  {receiver}, its counts at {receiver}/stats",
        "",
        f"curl {key} '{subscriptions}'",
        f"curl {key} -H 'Content-Type: application/json' -d '{body}' '{subscriptions}'",
        f"curl '{receiver}/stats'",
        "",
        "Ctrl-C stops everything.",
    ):
        console.print(Text(line), soft_wrap=True)


def _access_lines(access: Access, password: str) -> tuple[str, ...]:
    return (
        f"Panel     {access.api}/panel",
        f"          user name {USERNAME}, password {password} (drawn for this run, shown only here)",
        f"API key   {access.token}",
        f"Commands  in another terminal: {describe_call()} topics list",
    )


def describe_call() -> str:
    """How `loyalty` is called from this directory so that it finds the demo."""
    program = Path(sys.executable).with_name("loyalty")
    found = shutil.which("loyalty")
    if found and Path(found).samefile(program):
        call = "loyalty"
    else:
        relative = os.path.relpath(program)
        call = str(program) if relative.startswith("..") else relative
    home = os.environ.get(variable_name("home"))
    prefix = f"{variable_name('home')}={shlex.quote(str(Path(home).absolute()))} " if home else ""
    return f"{prefix}{shlex.quote(call)}"

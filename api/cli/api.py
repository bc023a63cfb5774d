"""`loyalty api` serves the REST API; `loyalty api-key` makes a key for it, `loyalty openapi` describes it."""

from api.cli.lines import say
from api.cli.supervise import Supervised, supervise


def run(supervised: Supervised = False) -> None:
    """Serve the REST API until SIGTERM or Ctrl-C; its description is at /docs."""
    if supervised:
        supervise("api")
    import asyncio
    from contextlib import ExitStack

    from api.auth.authentication import require_credentials
    from api.cli.processes import noted_as, process
    from api.process.serve import serve
    from connectors.http.app import make_safe
    from streams.settings import load_settings

    def started(address: str) -> None:
        notes.enter_context(noted_as("api", settings, connection, address))
        say(f"api is ready: {address}, described at {address}/docs", flush=True)

    # Before anything is made in the cluster.
    settings = load_settings()
    require_credentials(settings.api_key_hashes, make_safe(settings))
    with process("api", serves=True) as (settings, connection), ExitStack() as notes:
        asyncio.run(serve(settings, connection, started))


def new_key() -> None:
    """Make an API key, alone on standard output; standard error has the hash that the API must know."""
    from api.auth import authentication
    from api.cli.failures import print_note
    from streams.settings import variable_name

    token, digest = authentication.new_key()
    say(token)
    setting = f"{variable_name('api_key_hashes')}={digest}"
    print_note(f"Start the API with {setting}\nSend the key in the header {authentication.HEADER}.")


def describe() -> None:
    """Print the REST API's OpenAPI document."""
    from api.process.openapi import openapi_document

    say(*openapi_document().splitlines())

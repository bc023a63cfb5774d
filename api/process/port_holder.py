"""Who holds a port: an API of this project, or a stranger."""

import json
import socket
import urllib.error
import urllib.request
from contextlib import closing
from dataclasses import dataclass

ANSWERS_WITHIN = 2.0
MAX_DESCRIPTION_BYTES = 4_000_000
TITLE = "Loyalty webhooks"
"""As this project's OpenAPI document says; a test holds that."""


@dataclass(frozen=True, slots=True)
class PortHolder:
    """`text` is a clause, such as `another program listens there`."""

    is_our_api: bool
    text: str


def describe_port_holder(host: str, port: int) -> PortHolder | None:
    """Asks whoever listens there for the description of the API. None if nobody does. It takes a few seconds
    at most."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    try:
        socket.create_connection((reachable, port), ANSWERS_WITHIN).close()
    except OSError:
        return None
    name = f"[{reachable}]" if ":" in reachable else reachable
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with closing(opener.open(f"http://{name}:{port}/openapi.json", timeout=ANSWERS_WITHIN)) as answer:
            title = json.loads(answer.read(MAX_DESCRIPTION_BYTES))["info"]["title"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError, urllib.error.URLError):
        return PortHolder(False, "another program listens there")
    except Exception:  # noqa: BLE001 - http.client raises what a stranger's bytes make it raise
        return PortHolder(False, "another program listens there")
    if title == TITLE:
        return PortHolder(True, "an API of this project answers there")
    return PortHolder(False, f"another program listens there, which calls itself {str(title)[:60]!r}")

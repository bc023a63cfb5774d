"""The variables whose names are ours: one that no setting has is a mistake, and is not ignored."""

import re
from collections.abc import Collection, Mapping
from typing import Annotated

from pydantic import AfterValidator

from streams.errors import Misconfigured
from streams.spelling import find_similar

PREFIX = "LOYALTY_"
# Kubernetes gives each pod the addresses of its namespace's services, those of `loyalty-…` under such names:
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_SERVICE_LINK = re.compile(
    r"LOYALTY_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
# Whoever knows the prefix guesses it for this one too.
_OTHER_NAMES = {"LOYALTY_BOOTSTRAP_SERVERS": "KAFKA_BOOTSTRAP_SERVERS"}


def require_known_variables(environment: Mapping[str, str], known: Collection[str]) -> None:
    """Raises Misconfigured, naming each variable that begins with LOYALTY_ and that no setting has."""
    upper = {name.upper() for name in known}
    unknown = [
        name
        for name in sorted(environment)
        if name.upper().startswith(PREFIX) and name.upper() not in upper and not _SERVICE_LINK.fullmatch(name)
    ]
    if unknown:
        raise Misconfigured("\n".join(_describe(name, known) for name in unknown))


def _describe(name: str, known: Collection[str]) -> str:
    # What all names begin with would make any two alike.
    endings = {each.removeprefix(PREFIX): each for each in known}
    ending = find_similar(name.upper().removeprefix(PREFIX), endings)
    similar = _OTHER_NAMES.get(name.upper()) or (endings[ending] if ending else None)
    advice = f"did you mean {similar}?" if similar else "`loyalty settings` lists all that there are"
    return f"{name} is no setting: {advice}"


def parse_ports(text: str) -> range:
    """The ports of "9464" or "9464-9470"; none of "0". Raises ValueError."""
    found = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if (first, last) == (0, 0):
        return range(0)
    if not 0 < first <= last <= MAX_PORT:
        raise ValueError("must be a port of 1 to 65535, a range of them such as 9464-9470, or 0")
    return range(first, last + 1)


def _check_ports(text: str) -> str:
    parse_ports(text)
    return text


MAX_PORT = 65_535
Ports = Annotated[str, AfterValidator(_check_ports)]
"""A port, a range of ports, or 0 for none."""

"""The secrets in a subscription's requests, which an endpoint may return. Pure."""

import base64
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

from connectors.http.endpoint_auth import Basic, Bearer, Certificate, Credentials, OAuth2
from connectors.http.signing_keys import PRIVATE, SHARED
from streams.delivery.records import Subscription
from streams.delivery.subscription_options import Sealed

_FEWEST_OF_A_PART = 6
"""A part of a header's value with fewer characters is no secret, but a word like `Basic` or a version."""
_FEWEST_IN_A_QUERY = 12
_PARTS = re.compile(r"[\s;,]+")


def secrets_of_subscription(subscription: Subscription, opened: Callable[[Sealed], str]) -> Iterator[str]:
    """The secrets in its headers, signing keys and URL. `opened` decrypts sealed values.
    `secrets_of_credentials` has the others."""
    for header in subscription.headers:
        yield from _of_header(opened(header.sealed) if header.sealed else header.value)
    for key in subscription.signing_keys:
        text = opened(key.secret)
        yield from (text, text.removeprefix(SHARED).removeprefix(PRIVATE))
    yield from _of_query(subscription.url)


def secrets_of_credentials(credentials: Credentials) -> Iterator[str]:
    match credentials:
        case Basic(username, password):
            yield from (username, password, f"{username}:{password}")
        case Bearer(token):
            yield token
        case OAuth2():
            yield from (credentials.client_secret, f"{credentials.client_id}:{credentials.client_secret}")
        case Certificate():
            # The base64 lines between BEGIN and END.
            yield from (line for line in credentials.key.split("\n") if line and not line.startswith("-----"))


def _of_header(value: str) -> Iterator[str]:
    """The whole value, and the parts that a receiver may take out of it: `Token abc`, `a=b; c=d`, `Basic
    …`."""
    yield value
    for part in _PARTS.split(value):
        for secret in (part, part.partition("=")[2]):
            if len(secret) >= _FEWEST_OF_A_PART:
                yield secret
    scheme, _, rest = value.partition(" ")
    if scheme.lower() == "basic":
        yield from _of_pair(rest)


def _of_pair(encoded: str) -> Iterator[str]:
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        return
    yield from (pair, *pair.split(":", 1))


def _of_query(url: str) -> Iterator[str]:
    """Values of the query that are long enough to be secrets."""
    for field in url.partition("?")[2].split("&"):
        value = field.partition("=")[2]
        if len(value) >= _FEWEST_IN_A_QUERY:
            yield from (value, unquote(value))

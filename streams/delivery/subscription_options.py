"""Options of a subscription: state, signing, authentication and filter."""

from typing import Annotated, Literal

from msgspec import Meta

from streams.domain.values import Instant, Text, Value

SubscriptionState = Literal["active", "paused", "disabled"]
"""paused by a person, or disabled by the sink because the endpoint failed for days. In both states deliveries
wait."""
CloudEvents = Literal["structured", "binary"]
Signing = Literal["none", "standard", "original"]
"""standard: Standard Webhooks (standardwebhooks.com); original: the X-Webhook headers of the original
platform."""


class Sealed(Value):
    """A secret, encrypted with a key from LOYALTY_SECRET_KEY."""

    text: Annotated[str, Meta(max_length=16_384)]


class SigningKey(Value):
    """A key that requests are signed with. During a rotation two keys are live."""

    kind: Literal["hmac", "ed25519"]
    version: int
    """1 for the first key. Sent to receivers of the `original` signing."""
    secret: Sealed
    created_at: Instant
    expires_at: Instant | None = None
    """From when on it no longer signs; None: without end."""


AuthKind = Literal["basic", "bearer", "oauth2", "mtls"]


class Auth(Value):
    """How requests authenticate themselves. `secret` is a sealed JSON object, by kind:

    basic   username, password
    bearer  token
    oauth2  token_url, client_id, client_secret, scope: client credentials
    mtls    certificate, key: PEM
    """

    kind: AuthKind
    secret: Sealed


class Condition(Value):
    """One condition of a filter on the body's `data`. All conditions must hold."""

    path: Text
    """Names and indexes joined by dots, such as `wallet.walletType.code` or `items.0.sku.code`."""
    operator: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "exists"]
    value: Annotated[str, Meta(max_length=1024)]
    """The JSON value to compare with; an array for `in`."""

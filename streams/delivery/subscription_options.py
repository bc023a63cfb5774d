"""What a subscriber may ask of its deliveries beside the address: how they are signed, sped and selected."""

from typing import Annotated, Literal

from msgspec import Meta

from streams.domain.values import Instant, Text, Value

SubscriptionState = Literal["active", "paused", "disabled"]
"""paused: by hand; disabled: by the sink, which found nobody there. Either way deliveries wait."""
CloudEvents = Literal["structured", "binary"]
Signing = Literal["none", "standard", "original"]
"""standard: Standard Webhooks; original: the X-Webhook headers of the original platform."""


class Sealed(Value):
    """A secret, encrypted with a key from the environment: `text` is of use to nobody else."""

    text: Annotated[str, Meta(max_length=16_384)]


class SigningKey(Value):
    """A secret that requests are signed with. Two are live while one replaces the other."""

    kind: Literal["hmac", "ed25519"]
    version: int
    """1 for the first; told to receivers that ask for the version of the key."""
    secret: Sealed
    created_at: Instant
    expires_at: Instant | None = None
    """When it no longer signs, None: not known yet."""


AuthKind = Literal["basic", "bearer", "oauth2", "mtls"]


class Auth(Value):
    """How requests show who sends them. `secret` is a sealed JSON object, by kind:

    basic   username, password
    bearer  token
    oauth2  token_url, client_id, client_secret, scope: client credentials
    mtls    certificate, key: PEM
    """

    kind: AuthKind
    secret: Sealed


class Condition(Value):
    """One part of a filter on the body's `data`: all parts must hold."""

    path: Text
    """Names and indexes joined by dots: `wallet.walletType.code`, `items.0.sku.code`."""
    operator: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "exists"]
    value: Annotated[str, Meta(max_length=1024)]
    """JSON: what the value at the path is compared with; for `in` an array."""

"""How an endpoint is shown who sends: taken in, checked, and kept sealed. Never told again."""

from collections.abc import Iterable
from typing import Annotated, Literal, Protocol

import msgspec
from msgspec.structs import replace
from pydantic import Field

from api.contract.fields import BodyModel
from api.contract.url_policy import TargetPolicy, target
from api.problems import Complaint, Invalid
from connectors.http.endpoint_auth import credentials
from streams.delivery.records import Header, Subscription
from streams.delivery.subscription_options import Auth, Sealed
from streams.secrets.sealing import SecretUnreadable

AUTH_PATH = "webhookSubscription.auth"
CredentialText = Annotated[str, Field(min_length=1, max_length=1024)]
Pem = Annotated[str, Field(min_length=1, max_length=12_000)]


class SecretVault(Protocol):
    def seal(self, secret: str) -> Sealed:
        """Of use to nobody without the key."""

    def open(self, seal_headers: Sealed) -> str:
        """Raises Unopened where its key is not here any more."""


class NoAuth(BodyModel):
    kind: Literal["none"]


class BasicAuth(BodyModel):
    kind: Literal["basic"]
    username: CredentialText
    password: CredentialText


class BearerAuth(BodyModel):
    kind: Literal["bearer"]
    token: CredentialText


class OAuth2Auth(BodyModel):
    """Client credentials: a token is fetched, kept until it ends, and fetched anew once after a 401."""

    kind: Literal["oauth2"]
    token_url: Annotated[str, Field(max_length=2048)]
    client_id: CredentialText
    client_secret: CredentialText
    scope: Annotated[str, Field(max_length=1024)] = ""


class CertificateAuth(BodyModel):
    """A client certificate with its chain, and its key without a passphrase, both PEM."""

    kind: Literal["mtls"]
    certificate: Pem
    key: Pem


AuthBody = Annotated[
    NoAuth | BasicAuth | BearerAuth | OAuth2Auth | CertificateAuth, Field(discriminator="kind")
]


def with_authentication(
    subscription: Subscription, wanted: AuthBody | None, vault: SecretVault | None, policy: TargetPolicy
) -> Subscription:
    """With what is wanted, None: as it is. Raises Invalid; no complaint shows a secret."""
    if wanted is None:
        return subscription
    if isinstance(wanted, NoAuth):
        return replace(subscription, auth=None)
    if vault is None:
        message = "Credentials cannot be kept here: LOYALTY_SECRET_KEY is not set."
        raise Invalid(Complaint(AUTH_PATH, message, "unavailable"))
    fields = wanted.model_dump(exclude={"kind"})
    if isinstance(wanted, OAuth2Auth):
        fields["token_url"] = _checked(wanted.token_url, policy)
    secret = msgspec.json.encode(fields).decode()
    try:
        credentials(wanted.kind, secret)
    except ValueError as problem:
        raise Invalid(Complaint(AUTH_PATH, f"Not valid: {problem}.", "invalid_credentials")) from None
    return replace(subscription, auth=Auth(kind=wanted.kind, secret=vault.seal(secret)))


def _checked(token_url: str, policy: TargetPolicy) -> str:
    try:
        return target(token_url, policy)
    except ValueError as problem:
        message = f"Not valid: tokenUrl {problem}."
        raise Invalid(Complaint(AUTH_PATH, message, "invalid_credentials")) from None


def seal_headers(
    headers: Iterable[Header], vault: SecretVault | None, before: Iterable[Header] = ()
) -> tuple[Header, ...]:
    """Where there is a key, no header's value stands on the topic as it is: it may be a password. Those that
    were so `before` stay as they were sealed then: what does not change is not written."""
    if vault is None:
        return tuple(headers)
    there = {(header.name, header_value(header, vault)): header for header in before if header.sealed}
    return tuple(
        there.get((header.name, header.value)) or replace(header, value="", sealed=vault.seal(header.value))
        for header in headers
    )


def header_value(header: Header, vault: SecretVault | None) -> str | None:
    """As it was given; None where the key that it was sealed with is not here."""
    if header.sealed is None:
        return header.value
    try:
        return vault.open(header.sealed) if vault else None
    except SecretUnreadable:
        return None

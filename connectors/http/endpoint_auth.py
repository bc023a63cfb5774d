"""A subscription's credentials: reads and checks what `Auth.secret` holds."""

import base64
import re
import secrets
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from connectors.http.urls import target
from streams.delivery.subscription_options import AuthKind

_VISIBLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Basic:
    username: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        if ":" in self.username:
            raise ValueError("username has a colon, which no Basic user may have")

    @property
    def authorization(self) -> str:
        return f"Basic {base64.b64encode(f'{self.username}:{self.password}'.encode()).decode()}"


@dataclass(frozen=True, slots=True)
class Bearer:
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _VISIBLE.fullmatch(self.token):
            raise ValueError("token must be visible ASCII characters without blanks")

    @property
    def authorization(self) -> str:
        return f"Bearer {self.token}"


@dataclass(frozen=True, slots=True)
class OAuth2:
    """Client credentials grant (RFC 6749, section 4.4). The client authenticates at `token_url` by HTTP
    Basic."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""

    def __post_init__(self) -> None:
        try:
            target(self.token_url)
        except ValueError:
            raise ValueError("token_url must be an http or https URL") from None


@dataclass(frozen=True, slots=True)
class Certificate:
    """A client certificate with its chain, and its key without a passphrase, both PEM."""

    certificate: str
    key: str = field(repr=False)

    def __post_init__(self) -> None:
        try:
            first, *_ = x509.load_pem_x509_certificates(self.certificate.encode())
        except ValueError:
            raise ValueError("certificate is no certificate in PEM") from None
        try:
            key = load_pem_private_key(self.key.encode(), None)
        except (ValueError, TypeError):
            raise ValueError("key is no private key in PEM, or it has a passphrase") from None
        if key.public_key() != first.public_key():
            raise ValueError("key is not the certificate's")

    def context(self) -> ssl.SSLContext:
        """A TLS context that presents this certificate. Takes about 20 ms."""
        context = httpx.create_ssl_context()
        # The ssl module loads keys from files only. The file is encrypted with a passphrase that is never
        # written.
        passphrase = secrets.token_hex(32).encode()
        locked = load_pem_private_key(self.key.encode(), None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase)
        )
        with TemporaryDirectory() as folder:
            file = Path(folder) / "client.pem"
            file.write_bytes(self.certificate.encode() + b"\n" + locked)
            context.load_cert_chain(file, password=passphrase)
        return context


Credentials = Basic | Bearer | OAuth2 | Certificate
_KINDS: dict[AuthKind, type[Credentials]] = {
    "basic": Basic,
    "bearer": Bearer,
    "oauth2": OAuth2,
    "mtls": Certificate,
}


def credentials(kind: AuthKind, secret: str) -> Credentials:
    """Reads the JSON object `secret`. Raises ValueError naming the invalid field, never its value."""
    try:
        found: Credentials = msgspec.json.decode(secret, type=_KINDS[kind])
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None
    return found

"""Calls the REST API for commands, with LOYALTY_API_KEY."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from api.auth.authentication import HEADER
from api.cli.cluster_choice import choose_system
from streams.errors import LoyaltyError, Misconfigured, Retryable
from streams.settings import Settings, variable_name

MAX_ANSWER_BYTES = 32 << 20
TIMEOUT = 15.0
"""Seconds for an answer, beside the time for which it was asked to wait."""
KEY_FILE = "api-key"
_JSON = {"Content-Type": "application/json"}
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class NoSuchThing(LoyaltyError):
    """The API answered 404."""


class RequestRefused(LoyaltyError):
    """The API refused the request. The message names each field."""


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    status: int
    body: Any
    """The JSON, or None without a body."""


class ApiClient:
    """One connection at a time; no redirect is followed, so that the key goes nowhere else."""

    def __init__(self, address: str, key: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.address = address.rstrip("/")
        self._client = httpx.AsyncClient(
            transport=transport,
            headers={HEADER: key},
            limits=httpx.Limits(max_connections=1),
            trust_env=False,
        )

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        wait: float = 0.0,
        headers: Mapping[str, str] | None = None,
    ) -> ApiAnswer:
        """Calls the API, which may take `wait` seconds longer than usual.

        Raises Retryable if it does not answer or is not ready, Misconfigured if the key is not accepted,
        NoSuchThing, and RequestRefused for other refusals.
        """
        url = f"{self.address}{path}"
        content = None if body is None else _ENCODER.encode(body)
        try:
            async with self._client.stream(
                method, url, content=content, headers={**_JSON, **(headers or {})}, timeout=TIMEOUT + wait
            ) as answer:
                return _read(self.address, answer.status_code, await _body(answer))
        except httpx.InvalidURL as error:
            raise Misconfigured(f"{variable_name('api_url')}: is no address to call: {error}") from None
        except httpx.HTTPError as error:
            said = str(error) or type(error).__name__
            raise Retryable(
                f"no API answers at {self.address} ({said}): start one with `loyalty api`, or set "
                f"{variable_name('api_url')}"
            ) from None

    async def aclose(self) -> None:
        await self._client.aclose()


def open_client(settings: Settings) -> ApiClient:
    """A client of the API that runs here, or of LOYALTY_API_URL. Raises Misconfigured without a key."""
    return ApiClient(api_address(settings), _find_key(settings))


def api_address(settings: Settings) -> str:
    """Where the API is: as set, else as the system that runs in LOYALTY_HOME notes it, else as it would
    listen."""
    system = None if settings.api_url else choose_system(settings)
    if system and system.api:
        return system.api
    host = f"[{settings.api_host}]" if ":" in settings.api_host else settings.api_host
    return settings.api_url or f"http://{host}:{settings.api_port}"


@contextmanager
def publish_key(home: Path, key: str) -> Iterator[None]:
    """Keeps the demo's key for commands of the same user, as long as the demo runs: only its owner may read
    the file."""
    file = _key_file(home)
    file.unlink(missing_ok=True)
    # Nobody else may read it, not even for a moment.
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(descriptor, key.encode())
    os.close(descriptor)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _find_key(settings: Settings) -> str:
    if settings.api_key:
        return settings.api_key.get_secret_value()
    if settings.api_url is None:
        with suppress(OSError, UnicodeDecodeError):
            return _key_file(settings.home).read_text()
    raise Misconfigured(
        f"{variable_name('api_key')} is not set: the API wants a key in {HEADER}. `loyalty api-key` makes "
        "one, and an admin makes one that ends with POST /api/admin/{admin}/api-key"
    )


def _key_file(home: Path) -> Path:
    return home.absolute() / "demo" / KEY_FILE


async def _body(answer: httpx.Response) -> bytes:
    found = bytearray()
    async for chunk in answer.aiter_bytes():
        found += chunk
        if len(found) > MAX_ANSWER_BYTES:
            raise Retryable(f"the API's answer has more than {MAX_ANSWER_BYTES:,} bytes")
    return bytes(found)


def _read(address: str, status: int, raw: bytes) -> ApiAnswer:
    try:
        body = msgspec.json.decode(raw) if raw else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Retryable(f"what answers at {address} is not this API: its answer is not JSON") from None
    if 200 <= status < 300:
        return ApiAnswer(status, body)
    match status:
        case 401:
            raise Misconfigured(
                f"{variable_name('api_key')} is not accepted by {address}: there is no such key, or it has "
                "ended"
            )
        case 403:
            raise Misconfigured(
                f"{variable_name('api_key')} may not do this: its scopes or its stores do not allow it"
            )
        case 404:
            raise NoSuchThing("there is no such thing, or no such store")
        case 429 | 500 | 502 | 503 | 504:
            raise Retryable(f"{address} answered {status}: not now")
    raise RequestRefused(_complaints(status, body))


def _complaints(status: int, body: object) -> str:
    """Each field with what is wrong with it."""
    told = body if isinstance(body, dict) else {}
    errors = told.get("errors")
    lines = [
        f"{each.get('path')}: {each.get('message')}"
        for each in (errors if isinstance(errors, list) else [])
        if isinstance(each, dict)
    ]
    return "\n".join(lines) or f"{status} {told.get('message') or ''}".strip()

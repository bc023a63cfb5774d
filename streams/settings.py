"""All settings of all processes, read from the environment once, at start."""

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from streams.environment import Ports, parse_ports, require_known_variables
from streams.errors import Misconfigured

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def default_home() -> Path:
    """The default of `LOYALTY_HOME`: the directory of local state and of the local broker's log."""
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "loyalty-webhooks"


class Settings(BaseSettings):
    """The operator's settings. The descriptions are shown by `loyalty settings` and in the README."""

    model_config = SettingsConfigDict(
        env_prefix="LOYALTY_", frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True
    )

    bootstrap_servers: str | None = Field(
        default=None,
        validation_alias="KAFKA_BOOTSTRAP_SERVERS",
        description="Kafka cluster as host:port[,host:port]; unset: the local broker.",
    )
    kafka_config: Path | None = Field(
        default=None, description="File of librdkafka properties (key=value) for every client: TLS, SASL."
    )
    home: Path = Field(
        default_factory=default_home, description="Directory of local state and of the local broker's log."
    )
    topic_prefix: str = Field(
        default="loyalty.",
        pattern=r"^[a-zA-Z0-9._-]{0,100}$",
        description="Put before every topic, consumer group and transactional id.",
    )
    partitions: int = Field(
        default=6, ge=1, le=1000, description="Partitions of new topics; fixed once the topics exist."
    )
    replication: int = Field(default=1, ge=1, le=9, description="Replicas of new topics.")
    clock: Literal["wall", "stream"] = Field(
        default="wall",
        description="wall: timers follow the clock; stream: timers follow the highest issued_at played.",
    )
    batch_records: int = Field(
        default=2000, ge=1, le=100_000, description="Most records in one Kafka transaction."
    )
    instance: str = Field(
        default="",
        pattern=r"^[a-zA-Z0-9._-]{0,100}$",
        description="Name of this process among its like, kept over restarts; empty: host and free slot.",
    )
    retention: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Days for which topics are kept, where not as long as usual: deliveries=3d,attempts=14d.",
    )
    # Longer than a move of the group coordinator (9 to 12 s). Otherwise librdkafka rejoins the group with
    # another member id, while its commits still carry the former one, so that it fences itself.
    session_timeout: int = Field(
        default=15, ge=6, le=1800, description="Seconds after which a silent process loses its partitions."
    )
    transaction_timeout: int = Field(
        default=20, ge=5, le=900, description="Seconds after which Kafka aborts a transaction left open."
    )
    command_memory_hours: int = Field(
        default=24, ge=1, le=24 * 366, description="Hours for which a command's id is remembered."
    )
    legacy_batch_seconds: int = Field(
        default=60,
        ge=0,
        le=86_400,
        description="Seconds for which items of a legacy webhook that sends arrays are collected.",
    )
    crash_tries: int = Field(
        default=3,
        ge=0,
        le=100,
        description="How often a record may end the process before it is put into poison; 0: without end.",
    )
    standby: int = Field(
        default=0,
        ge=0,
        le=1,
        description="1: also keep copies of the partitions that others own, to take them over at once.",
    )
    metrics_host: str = Field(default="127.0.0.1", description="Address of a process's metrics and probes.")
    metrics_port: Ports = Field(
        default="0", description="Port of metrics and probes; of 9464-9470 the first that is free; 0: none."
    )
    metrics_endpoints: int = Field(default=50, ge=0, le=1000, description="Most endpoints with own metrics.")
    api_host: str = Field(default="127.0.0.1", description="Address on which the API listens.")
    api_port: int = Field(default=8080, ge=0, le=65_535, description="Port of the API; 0: any free one.")
    api_key_hashes: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="SHA-256 of each accepted API key, comma-separated; `loyalty api-key` makes one.",
    )
    api_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^@?#\s]+$",
        max_length=2048,
        description="Address of the API for commands that call it; unset: the one that runs on this machine.",
    )
    api_key: SecretStr | None = Field(
        default=None, description="API key for commands that call the API: listen, trigger, send."
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        default=(), description="Proxies before the API whose X-Forwarded-For is believed, as CIDR; none."
    )
    command_wait: float = Field(
        default=5.0, gt=0, le=60, description="Seconds for which the API waits for a command's outcome."
    )
    command_waiters: int = Field(
        default=1000, ge=1, le=100_000, description="Most commands whose outcome one API process waits for."
    )
    history_records: int = Field(
        default=1_000_000,
        ge=0,
        description="Most facts or events read for one answer about the past; 0: it is not told.",
    )
    secret_key: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(),
        description="Seals secrets; `loyalty secret-key` makes one. Older ones follow it after a comma.",
    )
    allow_targets: Annotated[tuple[Network, ...], NoDecode] = Field(
        default=(), description="Private networks that webhooks may be sent to, as CIDR, comma-separated."
    )
    proxy: SecretStr | None = Field(
        default=None,
        description="http://[user:password@]host:port to send through; allowed networks need none.",
    )
    endpoint_concurrency: int = Field(
        default=10, ge=1, le=1000, description="Most requests under way at once to one subscription."
    )
    request_timeout: float = Field(
        default=10.0, gt=0, le=120, description="Seconds for one attempt, connect to last byte."
    )
    breaker_failures: int = Field(
        default=5, ge=1, le=10_000, description="Failures in a row after which an endpoint gets only probes."
    )
    breaker_wait: int = Field(
        default=60, ge=1, le=3600, description="Most seconds between two probes of an endpoint that fails."
    )
    disable_after_days: int = Field(
        default=5, ge=0, le=365, description="Days of nothing but failure that disable an endpoint; 0: never."
    )
    held_days: int = Field(
        default=30,
        ge=0,
        le=3650,
        description="Days that deliveries wait for a paused or disabled subscription; 0: without end.",
    )
    docs_access: Literal["public", "signed_in"] = Field(
        default="public",
        description="Who may read /docs/webhooks, /asyncapi.json and /openapi.json: public or signed_in.",
    )
    sender_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        default=(),
        description="Networks that webhooks come from, as CIDR, shown in the docs; none: not shown.",
    )
    event_names: Literal["pascal", "dotted"] = Field(
        default="pascal",
        description="eventName in the new format: CustomerUpdated (pascal) or customer.updated (dotted).",
    )

    @field_validator(
        "api_key_hashes",
        "secret_key",
        "allow_targets",
        "trusted_proxies",
        "sender_networks",
        "retention",
        mode="before",
    )
    @classmethod
    def _check_comma_separated(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @property
    def metrics_ports(self) -> range:
        return parse_ports(self.metrics_port)

    @field_validator("api_key_hashes")
    @classmethod
    def _check_sha256(cls, hashes: tuple[str, ...]) -> tuple[str, ...]:
        for digest in hashes:
            if not re.fullmatch("[0-9a-f]{64}", digest):
                raise ValueError("each must be 64 lower-case hexadecimal digits")
        return hashes

    @field_validator("retention")
    @classmethod
    def _check_days_of_topics(cls, kept: tuple[str, ...]) -> tuple[str, ...]:
        for each in kept:
            if not re.fullmatch(r"[a-z-]+=([1-9]\d{0,3}d|forever)", each):
                raise ValueError(f"{each!r} must be a topic and its days, such as deliveries=3d")
        if len({each.partition("=")[0] for each in kept}) < len(kept):
            raise ValueError("each topic may be there once")
        return kept

    @field_validator("secret_key")
    @classmethod
    def _check_sealing_key(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for key in keys:
            if not re.fullmatch("lsk_[A-Za-z0-9_-]{43}", key.get_secret_value()):
                raise ValueError("each must be as `loyalty secret-key` makes it")
        return keys

    @field_validator("proxy")
    @classmethod
    def _check_proxy_url(cls, proxy: SecretStr | None) -> SecretStr | None:
        if proxy and not re.fullmatch(r"http://([^@/\s]+@)?[^@/\s]+:\d{1,5}/?", proxy.get_secret_value()):
            raise ValueError("must be http://host:port or http://user:password@host:port")
        return proxy


SECRET_FIELDS = {"secret_key", "proxy", "api_key"}
"""Fields whose values are never shown. Hashes are not secret. Each may be read from a file: see
`file_variable_name`."""
MAX_SECRET_FILE_BYTES = 65_536


def variable_name(field: str) -> str:
    """The environment variable that sets `field`."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"LOYALTY_{field.upper()}"


def file_variable_name(field: str) -> str:
    """The environment variable that names a file with the value of a secret field, as containers mount one:
    LOYALTY_SECRET_KEY_FILE."""
    return f"{variable_name(field)}_FILE"


def require_valid_names() -> None:
    """Raises Misconfigured for a LOYALTY_… variable that no setting has, with the one that may be meant."""
    names = {variable_name(field) for field in Settings.model_fields}
    require_known_variables(os.environ, names | {file_variable_name(field) for field in SECRET_FIELDS})


def load_settings() -> Settings:
    """Reads the settings from the environment, and secrets from the files that it names.

    Raises Misconfigured, naming variable, value and what is valid; and for a LOYALTY_… variable that there
    is not.
    """
    require_valid_names()
    try:
        return Settings(**_read_secret_files())
    except ValidationError as error:
        raise Misconfigured("\n".join(_error_sentences(error))) from None


def _read_secret_files() -> dict[str, Any]:
    """The secret fields whose value is in a file. White space around a value is not part of it."""
    found = {}
    for field in sorted(SECRET_FIELDS):
        name = file_variable_name(field)
        path = os.environ.get(name)
        if not path:
            continue
        if os.environ.get(variable_name(field)):
            raise Misconfigured(f"{variable_name(field)} and {name} are both set: leave one of them out")
        try:
            with Path(path).open("rb") as file:
                text = file.read(MAX_SECRET_FILE_BYTES + 1).decode().strip()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise Misconfigured(f"{name}={path!r} cannot be read: {reason}") from None
        if not text or len(text) > MAX_SECRET_FILE_BYTES:
            size = "empty" if not text else f"larger than {MAX_SECRET_FILE_BYTES:,} bytes"
            raise Misconfigured(
                f"{name}={path!r} is {size}: it must hold the value of {variable_name(field)}"
            )
        found[field] = text
    return found


def _error_sentences(error: ValidationError) -> list[str]:
    sentences = []
    for detail in error.errors():
        field = str(detail["loc"][0])
        name = field if field in os.environ else variable_name(field)
        if field in SECRET_FIELDS and os.environ.get(file_variable_name(field)):
            name = file_variable_name(field)
        shown = "…" if field in SECRET_FIELDS else repr(os.environ.get(name, ""))
        sentences.append(f"{name}={shown} is not valid: {detail['msg']}")
    return sentences

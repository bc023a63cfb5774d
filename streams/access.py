"""Records of who may call the API, and of changes made through it."""

from typing import Annotated, Literal

from msgspec import Meta

from streams.domain.values import Code, Instant, Text, Uuid, Value

Scope = Literal["read", "commands", "subscriptions", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "commands", "subscriptions", "admin")


class Admin(Value):
    """An administrator. Key of its record: `admin_id`; a tombstone removes it and revokes all of its
    tokens."""

    admin_id: Uuid
    username: Text
    password: Annotated[str, Meta(max_length=512)]
    """The password's hash: see `api.auth.passwords`."""
    created_at: Instant
    tokens_since: Instant
    """When the password was set. Earlier tokens are invalid."""
    scopes: tuple[Scope, ...] = SCOPES
    stores: tuple[Code, ...] = ()
    """Empty: all."""


class ApiKey(Value):
    """A permanent key. Key of its record: `api_key_id`; a tombstone revokes it."""

    api_key_id: Uuid
    admin_id: Uuid
    """The administrator whose key it is, and with whom it ends."""
    name: Text
    digest: Annotated[str, Meta(max_length=64)]
    """SHA-256 of the key, which has 256 random bits."""
    created_at: Instant
    scopes: tuple[Scope, ...] = SCOPES
    stores: tuple[Code, ...] = ()
    """Empty: all."""
    expires_at: Instant | None = None
    made_by: Uuid | None = None
    """The administrator or API key that made it, and with which it ends. None: it was made with a key from
    the environment, or before this field existed."""


class SignOut(Value):
    """A session was signed out, so that its cookie is invalid. Key of its record: `session_id`. A tombstone
    follows after the session would have ended anyway."""

    session_id: Uuid
    admin_id: Uuid
    ends_at: Instant


class Change(Value):
    """An audit record of one change, without secrets. Key: `subject_id`.

    It is written before the change, so that every change is recorded. A change that was answered with 503 may
    not have happened.
    """

    change_id: Uuid
    at: Instant
    who: Text
    """The caller's name, never the key."""
    address: Text
    """The network address of the caller; empty for a command on the machine itself."""
    action: Literal["created", "changed", "deleted"]
    subject: Literal[
        "subscription", "settings", "admin", "API key", "replay", "delivery", "member", "listener"
    ]
    subject_id: Text

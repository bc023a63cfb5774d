"""What of an owner is personal is written with its key, and goes when the key does."""

from collections.abc import Callable

from msgspec.structs import replace

from streams.domain.events import DocumentErased, Event, MemberErased
from streams.domain.pii import public
from streams.domain.state import DataKey, Drop, Handled, Member
from streams.secrets.crypto_shredding import sealed
from streams.stages.context import Turn
from streams.tables.owner_entries import Owned
from streams.topics import ERASURES, EVENTS

ENDS = (MemberErased, DocumentErased)


def record(turn: Turn, state: Owned, fact: Event, new_secret: Callable[[], bytes]) -> None:
    """Appends the fact; `state` is the state after it. With it goes the key, where it says so."""
    shown = public(fact)
    secret = None if shown is fact else _secret(state, new_secret)
    turn.send_beside(EVENTS, state.owner, shown, sealed(fact, secret) if secret else None)
    if isinstance(fact, ENDS):
        turn.send_beside(ERASURES, state.owner, fact)
        _forget(state)


def _forget(state: Owned) -> None:
    """The key, and what was refused: a command that comes again is told the reason, not its own value."""
    key = state.get(DataKey)
    if key:
        state.apply(Drop(entry=key))
    for handled in list(state.scan(Handled)):
        if handled.rejection:
            field, _, reason = handled.rejection
            state.apply(replace(handled, rejection=(field, "…", reason)))


def _secret(state: Owned, new_secret: Callable[[], bytes]) -> bytes | None:
    """The owner's, made when it is first needed; None of who is erased: nothing is to be kept of it."""
    member, key = state.get(Member), state.get(DataKey)
    if member and member.erased_at:
        return None
    if key is None:
        key = DataKey(secret=new_secret())
        state.apply(key)
    return key.secret

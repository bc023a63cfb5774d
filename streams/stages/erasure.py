"""What of an owner is personal is written with its key, and goes when the key does."""

from collections.abc import Callable

from msgspec.structs import replace

from streams.domain.events import DocumentErased, Event, MemberErased
from streams.domain.pii import strip_personal
from streams.domain.state import DataKey, Drop, Handled, Member
from streams.secrets.crypto_shredding import seal_personal
from streams.stages.context import StageContext
from streams.tables.owner_entries import OwnerState
from streams.topics import ERASURES, EVENTS

ERASURE_EVENTS = (MemberErased, DocumentErased)


def append_fact(turn: StageContext, state: OwnerState, fact: Event, new_secret: Callable[[], bytes]) -> None:
    """Appends the fact; `state` is the state after it. With it goes the key, where it says so."""
    shown = strip_personal(fact)
    secret = None if shown is fact else _secret(state, new_secret)
    turn.send_to_same_partition(EVENTS, state.owner, shown, seal_personal(fact, secret) if secret else None)
    if isinstance(fact, ERASURE_EVENTS):
        turn.send_to_same_partition(ERASURES, state.owner, fact)
        _forget(state)


def _forget(state: OwnerState) -> None:
    """The key, and what was refused: a command that comes again is told the reason, not its own value."""
    key = state.get(DataKey)
    if key:
        state.apply(Drop(entry=key))
    for handled in list(state.scan(Handled)):
        if handled.rejection:
            field, _, reason = handled.rejection
            state.apply(replace(handled, rejection=(field, "…", reason)))


def _secret(state: OwnerState, new_secret: Callable[[], bytes]) -> bytes | None:
    """The owner's, made when it is first needed; None of who is erased: nothing is to be kept of it."""
    member, key = state.get(Member), state.get(DataKey)
    if member and member.erased_at:
        return None
    if key is None:
        key = DataKey(secret=new_secret())
        state.apply(key)
    return key.secret

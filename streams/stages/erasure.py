"""Encrypts personal fields with the owner's data key, and deletes the key when the owner is erased."""

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
    """Appends the fact; `state` is the state after it. An erasing fact also deletes the owner's data key."""
    shown = strip_personal(fact)
    secret = None if shown is fact else _data_key(state, new_secret)
    turn.send_to_same_partition(EVENTS, state.owner, shown, seal_personal(fact, secret) if secret else None)
    if isinstance(fact, ERASURE_EVENTS):
        turn.send_to_same_partition(ERASURES, state.owner, fact)
        _delete_data_key(state)


def _delete_data_key(state: OwnerState) -> None:
    """Deletes the data key and the values in remembered rejections: a repeated command gets the reason
    without the value."""
    key = state.get(DataKey)
    if key:
        state.apply(Drop(entry=key))
    for handled in list(state.scan(Handled)):
        if handled.rejection:
            field, _, reason = handled.rejection
            state.apply(replace(handled, rejection=(field, "…", reason)))


def _data_key(state: OwnerState, new_secret: Callable[[], bytes]) -> bytes | None:
    """The owner's data key, made when it is first needed; None if the member is erased, as nothing may be
    kept of it."""
    member, key = state.get(Member), state.get(DataKey)
    if member and member.erased_at:
        return None
    if key is None:
        key = DataKey(secret=new_secret())
        state.apply(key)
    return key.secret

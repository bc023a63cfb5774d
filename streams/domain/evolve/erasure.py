"""Removes personal data from the state when a member is erased."""

from collections.abc import Iterator

from msgspec.structs import replace

from streams.domain.events import MemberErased
from streams.domain.pii import strip_labels
from streams.domain.state import Change, Drop, Held, IssuedReward, Member, Secret, State, TransactionDetails
from streams.domain.values import Profile


def member_erased(state: State, member: Member, event: MemberErased) -> Iterator[Change]:
    yield replace(member, profile=Profile(), phone_as_typed=None, erased_at=event.occurred_at)
    yield from [Drop(entry=secret) for secret in state.scan(Secret)]
    yield from [replace(held, comment=None) for held in state.scan(Held)]
    yield from [
        replace(details, buyer=None, labels=(), items=strip_labels(details.items))
        for details in state.scan(TransactionDetails)
    ]
    yield from [replace(issued, status_comment=None) for issued in state.scan(IssuedReward)]

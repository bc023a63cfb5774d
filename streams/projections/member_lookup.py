"""One member's state, read from the changelogs into memory; nothing is kept on disk."""

from dataclasses import dataclass

from streams.domain import identifiers
from streams.domain.document import has_document
from streams.domain.state import Member, State, Transaction
from streams.kafka.clients import Connection
from streams.kafka.log_reader import full_range, read_latest
from streams.kafka.partitioner import partition_of
from streams.kafka.topic_admin import partitions
from streams.stages.commands import owner_of
from streams.stages.loyalty import LoyaltyStage
from streams.tables.owner_entries import OWNER_END
from streams.tables.store import MemoryStore
from streams.tables.tables import Tables, table_families
from streams.topics import CHANGELOGS, COMMANDS

# The member id in a pending delivery's key, which is subscription, kind of entry, member, offset.
_MEMBER_OF_PENDING = slice(38, 74)


@dataclass(frozen=True, slots=True)
class MemberSummary:
    """A member, erased or not."""

    member: Member
    known_by: tuple[str, ...]
    """The kinds of identifiers that it has."""
    transactions: int
    documents: int
    """How many of the transactions have a document of their own."""
    waiting: int
    """Webhooks that are not delivered yet, without those inside legacy arrays."""


def look_up_member(connection: Connection, store: str, member_id: str) -> MemberSummary | None:
    """The member, or None if there is none. Raises Retryable."""
    state = _read_state(connection, owner_of(store, member_id))
    member = state.get(Member)
    if member is None:
        return None
    bought = list(state.scan(Transaction))
    pending = full_range(connection, CHANGELOGS["pending"])
    waiting = read_latest(connection, pending, lambda key: key[_MEMBER_OF_PENDING] == member_id.encode())
    return MemberSummary(
        member=member,
        known_by=tuple(each.kind for each in identifiers.of(member.profile)),
        transactions=len(bought),
        documents=sum(has_document(store, each) for each in bought),
        waiting=len(waiting),
    )


def _read_state(connection: Connection, owner: str) -> State:
    prefix = owner.encode() + OWNER_END
    number = partition_of(owner.encode(), partitions(connection)[COMMANDS.name])
    tables = Tables(MemoryStore(table_families(LoyaltyStage.kinds)), LoyaltyStage.kinds)
    for table in tables.names:
        there = full_range(connection, CHANGELOGS[table], number)
        found = read_latest(connection, there, lambda key: key.startswith(prefix))
        tables.commit([(table, key, record.value) for key, record in found.items()], {})
    return tables.of(owner)

"""What a worker on an empty disk would begin with: it must be what follows from the commands, and add up."""

from collections.abc import Iterable, Iterator

from streams.kafka.clients import Connection
from streams.runtime.restore import restore_tables
from streams.stages.identifier_holders import (
    Pair,
    documents_of_owners,
    find_clashes,
    identifiers_of_members,
    identifiers_reserved,
)
from streams.stages.identity import IdentityStage
from streams.stages.loyalty import LoyaltyStage
from streams.stages.restore_proof import unbalanced_wallets
from streams.tables.owner_entries import OWNER_END
from streams.tables.store import MemoryStore
from streams.tables.tables import Tables, table_families
from tests.crash.model import Expected, State
from tests.crash.verdict import followed, same

Restored = dict[type[LoyaltyStage | IdentityStage], dict[int, Tables]]


def restored(connection: Connection, partitions: Iterable[int]) -> Restored:
    """By stage and partition, restored from nothing, as a worker does it."""
    numbers = list(partitions)
    return {
        stage: {n: _fresh(connection, stage, n) for n in numbers} for stage in (LoyaltyStage, IdentityStage)
    }


def of_restored(expected: Expected, found: Restored) -> Iterator[str]:
    """As the model's, entry by entry; wallets add up, and each identifier is of one member, who has it."""
    for stage, states in expected.state.items():
        for number, state in states.items():
            name = f"{stage.__name__}: a fresh restore of partition {number}"
            yield from same(name, followed(state), followed(_state(found[stage][number])))
    for number, tables in found[LoyaltyStage].items():
        for owner, broken in unbalanced_wallets(tables):
            yield f"ledgers[{number}]: {owner}: {broken}"
    yield from of_identifiers(found[LoyaltyStage].values(), found[IdentityStage].values())


def of_identifiers(members: Iterable[Tables], identity: Iterable[Tables]) -> Iterator[str]:
    """No two members have one identifier, and whoever is known by one has it."""
    pairs: list[Pair] = [
        pair
        for tables in members
        for of in (identifiers_of_members, documents_of_owners)
        for pair in of(tables)
    ]
    pairs += [pair for tables in identity for pair in identifiers_reserved(tables)]
    yield from (f"identifiers: {what}" for _, what in find_clashes(sorted(pairs)))


def _fresh(connection: Connection, stage: type[LoyaltyStage | IdentityStage], number: int) -> Tables:
    tables = Tables(MemoryStore(table_families(stage.kinds)), stage.kinds)
    assert restore_tables(connection, number, tables, lambda: False, lambda *_: None)
    return tables


def _state(tables: Tables) -> State:
    return {
        (table, owner.encode() + OWNER_END + rest): value for table, owner, rest, value in tables.entries()
    }

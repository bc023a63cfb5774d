"""Compares the identifiers in members' profiles with the identity stage's table: each identifier must belong
to one member."""

from collections.abc import Iterable, Iterator
from itertools import chain, groupby

from streams.domain import identifiers
from streams.domain.ids import document_id
from streams.domain.state import Claim, Document, E, Known, Member, TransactionDetails
from streams.domain.values import Identifier
from streams.stages.identity import identifier_key
from streams.tables.owner_entries import OWNER_END
from streams.tables.tables import Tables

Pair = tuple[bytes, bytes]
_HAS, _KNOWN = b"has", b"known"
SLICE_SIZE = 2000


def identifiers_of_members(members: Tables) -> Iterator[Pair]:
    """The identifiers in the profiles of a partition's members, as keys to be sorted."""
    for owner, member in _scan_all(members, Member):
        store, _, id_ = owner.partition("/")
        for each in identifiers.of(member.profile):
            yield _sort_key(identifier_key(store, each), _HAS, id_), b""


def documents_of_owners(members: Tables) -> Iterator[Pair]:
    """The documents of a partition's transactions, as keys to be sorted. Transactions that older releases
    recorded for a member reserve nothing."""
    documents: Iterator[tuple[str, Document | TransactionDetails]] = _scan_all(members, Document)
    details: Iterator[tuple[str, Document | TransactionDetails]] = _scan_all(members, TransactionDetails)
    for owner, said in chain(documents, details):
        store, _, id_ = owner.partition("/")
        value = document_id(store, said.document_number, said.document_type)
        yield _sort_key(identifier_key(store, Identifier(kind="document", value=value)), _HAS, id_), b""


def identifiers_reserved(identity: Tables) -> Iterator[Pair]:
    """The identifiers of a partition of the identity stage, with their members, as keys to be sorted."""
    for identifier, entry in _scan_all(identity, Known):
        yield _sort_key(identifier, _KNOWN, entry.member_id), b""


def members_with_claims(members: Tables) -> Iterator[str]:
    """The members with a claim that is not answered yet."""
    return (owner for owner, _ in _scan_all(members, Claim))


def find_clashes(pairs: Iterable[Pair]) -> Iterator[tuple[list[str], str]]:
    """Yields the owners concerned and what is wrong. `pairs` are the sorted pairs of all partitions."""
    places = (key.split(OWNER_END) for key, _ in pairs)
    for raw, found in groupby(places, key=lambda parts: parts[0]):
        identifier, both = raw.decode(), list(found)
        has = [id_.decode() for _, how, id_ in both if how == _HAS]
        by = [id_.decode() for _, how, id_ in both if how == _KNOWN]
        store = identifier.partition("/")[0]
        owners = [f"{store}/{id_}" for id_ in {*has, *by}]
        if identifier.startswith(f"{store}/document/"):
            # Before document numbers were unique over members, nothing was reserved.
            if by and by[0] not in has:
                yield owners, f"{identifier} is reserved for {by[0]}, who has no such transaction"
        elif len(has) > 1:
            yield owners, f"{identifier} is claimed by {' and '.join(has)}; {_holder_text(by)}"
        elif not by:
            yield owners, f"{identifier} of {has[0]}: {_holder_text(by)}"
        elif has != by:
            yield owners, f"{identifier} is not of {by[0]}, who is known by it{_profile_text(has)}"


def _holder_text(by: list[str]) -> str:
    return f"known by it is {by[0]}" if by else "nobody is known by it"


def _profile_text(has: list[str]) -> str:
    return f", but of {has[0]}" if has else ""


def _sort_key(identifier: str, how: bytes, member_id: str) -> bytes:
    return OWNER_END.join((identifier.encode(), how, member_id.encode()))


def _scan_all(tables: Tables, kind: type[E]) -> Iterator[tuple[str, E]]:
    start = b""
    while True:
        found, start = tables.slice(kind, "", start, SLICE_SIZE)
        yield from found
        if not start:
            return

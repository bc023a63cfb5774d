"""The recorded transactions of a store, read from a replica of the workers' tables."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from api.contract.listing import page
from api.contract.transaction_bodies import COLUMNS, FoundTransaction, transaction_row
from api.problems import Complaint, Invalid, NotFound
from api.services.command_service import CommandService
from streams.domain.document import document_ids, find_transaction
from streams.domain.state import Document, State, Transaction, TransactionDetails
from streams.domain.values import DocumentType
from streams.stages.commands import owner_of
from streams.tables.tables import Tables

MAX_READ = 200_000
"""Most transactions that one request reads; a store with more is listed by member."""
SLICE_ENTRIES = 2000


@dataclass(frozen=True, slots=True)
class TransactionReads:
    command_service: CommandService

    async def one(self, store: str, transaction_id: str) -> FoundTransaction:
        """As of now. Raises 404."""
        self.command_service.settings(store)
        book = self.command_service.book
        document_owner = owner_of(store, transaction_id)
        await book.current(document_owner, (Document.table,))
        document = book.state(document_owner).get(Document)
        if document:
            return FoundTransaction(document, document.to_member)
        member_id = await self.command_service.owner_of(store, (TransactionDetails,), transaction_id)
        details = book.state(owner_of(store, member_id)).get(TransactionDetails, transaction_id.encode())
        if details is None:
            raise NotFound
        return FoundTransaction(details, member_id)

    async def document(self, store: str, document_number: str) -> str:
        """The id of the document of that number that can be matched: a purchase rather than a return. If
        there is none, the id that a purchase would have."""
        kinds: tuple[DocumentType, ...] = ("sell", "return")
        owners = list(
            dict.fromkeys(id_ for kind in kinds for id_ in document_ids(store, document_number, kind))
        )
        await self.command_service.book.current(None, (Document.table,))
        states = ((each, self.command_service.book.state(owner_of(store, each))) for each in owners)
        found = [(each, document) for each, state in states if (document := state.get(Document))]
        unmatched = (each for each, document in found if not document.to_member)
        return next(unmatched, next((each for each, _ in found), owners[0]))

    def row(self, store: str, found: FoundTransaction) -> dict[str, Any]:
        units = None
        if found.member_id:
            state = self.command_service.book.state(owner_of(store, found.member_id))
            units = find_transaction(state, found.said.document_number, found.said.document_type)
        return transaction_row(found, units)

    async def page(self, store: str, parameters: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """The list. Raises Invalid for a store with more transactions than can be read."""
        self.command_service.settings(store)
        book = self.command_service.book
        await book.current(None, (Document.table,))
        asked = dict(parameters)
        member_id = asked.get("customerId") or asked.get("customerData:customerId")
        if member_id:
            rows = list(self._of_member(store, member_id))
        else:
            rows = await asyncio.to_thread(lambda: list(_of_store(book.partition_tables(), store)))
        rows.sort(key=lambda row: row.place)
        return await asyncio.to_thread(
            lambda: page(rows, parameters, COLUMNS, lambda row: row.place, lambda row: self.row(store, row))
        )

    def _of_member(self, store: str, member_id: str) -> Iterator[FoundTransaction]:
        state: State = self.command_service.book.state(owner_of(store, member_id))
        for details in state.scan(TransactionDetails):
            yield FoundTransaction(details, member_id)
        for each in state.scan(Transaction):
            document = self.command_service.book.state(owner_of(store, each.transaction_id)).get(Document)
            if document:
                yield FoundTransaction(document, member_id)


def _of_store(partitions: Iterator[Tables], store: str) -> Iterator[FoundTransaction]:
    count = 0
    for tables in partitions:
        for found in _of_partition(tables, store):
            count += 1
            if count > MAX_READ:
                message = (
                    f"Store {store} has more than {MAX_READ:,} transactions: list those of a customerId."
                )
                raise Invalid(Complaint("customerId", message, "required"))
            yield found


def _of_partition(tables: Tables, store: str) -> Iterator[FoundTransaction]:
    prefix, reached = f"{store}/", b""
    while True:
        documents, _ = tables.slice(Document, prefix, reached, SLICE_ENTRIES)
        details, reached = tables.slice(TransactionDetails, prefix, reached, SLICE_ENTRIES)
        yield from (FoundTransaction(each, each.to_member) for _, each in documents)
        yield from (FoundTransaction(each, owner.removeprefix(prefix)) for owner, each in details)
        if not reached:
            return

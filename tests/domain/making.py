"""Commands of any kind, each with an id of its own."""

from datetime import datetime
from itertools import count
from typing import Any, TypeVar

from streams.domain.commands import Command
from streams.domain.ids import document_id
from tests.samples import ANNA, NOON, STORE, uid

C = TypeVar("C", bound=Command)
_ids = count(50_000)


def made(kind: type[C], member: str = ANNA, at: datetime = NOON, **fields: Any) -> C:
    head: dict[str, Any] = {
        "command_id": uid(next(_ids)),
        "store": STORE,
        "member_id": member,
        "issued_at": at,
    }
    return kind(**head | fields)


def document(number: str) -> str:
    return document_id(STORE, number)

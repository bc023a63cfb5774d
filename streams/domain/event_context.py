"""The context of a decision (cause, member, instant), from which its events get their headers and ids."""

from datetime import datetime
from typing import TypedDict

from streams.domain.ids import derived_id
from streams.domain.values import Value


class EventStamp(TypedDict):
    """The header fields of an event, to be unpacked into it."""

    event_id: str
    command_id: str
    store: str
    member_id: str
    occurred_at: datetime


class EventContext(Value):
    cause_id: str
    """The command, or the entry whose timer is due."""
    store: str
    member_id: str
    now: datetime

    def id(self, kind: str, index: int = 0) -> str:
        """The id of the `index`th thing of that kind that this decision makes, the same on every replay.

        Store and member are part of it, because producers of two tenants may choose the same command id.
        """
        return derived_id(self.store, self.member_id, self.cause_id, kind, str(index))

    def with_cause(self, cause_id: str) -> "EventContext":
        """The same context with another cause."""
        return EventContext(cause_id=cause_id, store=self.store, member_id=self.member_id, now=self.now)

    def stamp(self, kind: str, index: int = 0) -> EventStamp:
        return {
            "event_id": self.id(kind, index),
            "command_id": self.cause_id,
            "store": self.store,
            "member_id": self.member_id,
            "occurred_at": self.now,
        }

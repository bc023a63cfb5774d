"""The head of every event."""

from streams.domain.values import (
    Code,
    Instant,
    Uuid,
    Value,
)


class Fact(Value):
    """The head of every event.

    `event_id` is derived from what caused it, `command_id` names that: the command, or the entry whose
    time had come. `occurred_at` is when it was decided, in the clock's time.
    """

    event_id: Uuid
    command_id: Uuid
    store: Code
    member_id: Uuid
    occurred_at: Instant

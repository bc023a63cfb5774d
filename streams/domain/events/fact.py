"""The header of every fact."""

from streams.domain.values import (
    Code,
    Instant,
    Uuid,
    Value,
)


class Fact(Value):
    """The header of every fact. `event_id` is derived from its cause, which `command_id` names: a command, or
    the entry whose timer was due. `occurred_at` is the time of the decision, by the partition's clock.
    """

    event_id: Uuid
    command_id: Uuid
    store: Code
    member_id: Uuid
    occurred_at: Instant

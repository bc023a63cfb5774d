"""The record that says which version of the state is current. A state that was rebuilt from facts is a new
version."""

from streams.domain.values import Instant, Value

FIRST_VERSION = 1
STATE_KEY = "state"
"""The record's key: it stands for the loyalty stage's tables."""


class Generation(Value):
    """`layout`: the schema that its entries were made by; a worker with another schema must not change
    them."""

    number: int
    layout: int
    switched_at: Instant

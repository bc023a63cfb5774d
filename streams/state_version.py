"""Which of the state's generations is the present one: made anew from facts, it is another generation."""

from streams.domain.values import Instant, Value

FIRST_VERSION = 1
STATE_KEY = "state"
"""Of what there are generations: the loyalty stage's tables."""


class Generation(Value):
    """`layout`: by which rules its entries were made; a worker of another layout must not touch them."""

    number: int
    layout: int
    switched_at: Instant

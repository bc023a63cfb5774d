"""Decodes Avro's decimals in time that does not grow with hostile bytes."""

from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import lru_cache

EXACT = Context(prec=28, traps=[Inexact, InvalidOperation])
"""Raises ArithmeticError rather than round."""


def decimal_from(data: bytes, precision: int, scale: int) -> Decimal:
    """Raises ValueError for a number beyond the precision, before it is converted to digits."""
    most, end = _bounds(precision)
    if len(data) > most:
        raise ValueError(f"a decimal of {len(data):,} bytes, where {precision} digits have {most} at most")
    number = int.from_bytes(data, "big", signed=True)
    if not -end < number < end:
        raise ValueError(f"{number} is no decimal of {precision} digits")
    return Decimal(number).scaleb(-scale, EXACT)


@lru_cache(16)
def _bounds(precision: int) -> tuple[int, int]:
    """The most bytes, and the first number that is too large."""
    end = 10**precision
    return end.bit_length() + 8 >> 3, end

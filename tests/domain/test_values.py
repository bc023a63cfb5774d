"""Amounts as text, and ids."""

import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.domain.ids import NAMESPACE, derived_id
from streams.domain.values import plain_decimal

AMOUNTS = st.integers(-(10**18), 10**18).map(lambda micros: Decimal(micros).scaleb(-6))


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("293.300000", "293.3"),
        ("1E+1", "10"),
        ("100.000000", "100"),
        ("0.000001", "0.000001"),
        ("0E-6", "0"),
        ("-5.50", "-5.5"),
        ("999999999999.000000", "999999999999"),
        ("1000000000000.000000", "1000000000000"),
        ("1.00000000000000000E+34", "1E+34"),
        ("-1E+400", "-1E+400"),
    ],
)
def test_an_amount_is_written_as_people_write_it_unless_it_is_absurd(amount: str, text: str) -> None:
    assert str(plain_decimal(Decimal(amount))) == text


@given(AMOUNTS)
def test_writing_an_amount_plainly_does_not_change_it(amount: Decimal) -> None:
    assert plain_decimal(amount) == amount


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_a_derived_id_is_the_uuid5_of_its_names(names: list[str]) -> None:
    assert derived_id(*names) == str(uuid.uuid5(NAMESPACE, "/".join(names)))

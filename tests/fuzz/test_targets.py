"""A little of `make fuzz` in every run of the suite."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.codec.avro import encode
from tests.fuzz.targets import HEADERS, TARGETS, record
from tests.strategies import plainest
from tests.test_codec import KINDS

HOSTS = rb"http:// https:// [::1] 127.0.0.1 0x7f.1 @ # ? %2e \ member".split()
ANSWERS = [b"HTTP/1.1 ", b"200", b"\r\n\r\n", b"9" * 5000, b"1e999", b"Fri, 31 Dec 9999 23:59:59 GMT"]
LISTS = b"_scroll= _page= createdAt[gte]= url[like]= & WyJhIl0= 2026-03-01T12:00:00+14:00 NaN -1".split()
CELLS = [b",", b'"', b"\n", b";", b"\t", b"\x00", b"\xed\xa0\x80", b"\xff\xfe", b"\xef\xbb\xbf", b"\xd9\xa1"]
PIECES = st.sampled_from([*HOSTS, *ANSWERS, *LISTS, *CELLS])
MADE = st.lists(PIECES | st.binary(max_size=20), max_size=12).map(b"".join)
MUCH = 4 * (settings.default.max_examples if settings.default else 25)


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_gets_out_but_what_is_promised(name: str) -> None:
    @settings(max_examples=MUCH)
    @given(st.binary(max_size=400) | MADE)
    def law(data: bytes) -> None:
        TARGETS[name](data)

    law()


@settings(max_examples=MUCH)
@given(st.sampled_from(KINDS), st.data())
def test_a_record_whose_bytes_are_changed_is_read_or_poison(kind: type, data: st.DataObject) -> None:
    value, header = encode(plainest(kind))
    changed = bytearray(HEADERS.index(header).to_bytes(2, "big") + value)
    for _ in range(data.draw(st.integers(1, 5))):
        changed[data.draw(st.integers(2, len(changed) - 1))] = data.draw(st.integers(0, 255))

    assert record(bytes(changed)) is None or isinstance(record(bytes(changed)), kind)

"""Values of any of the project's classes, drawn fast: most as producers send them, some as none should.

What no writer of ours lets pass (a surrogate, an instant beyond the calendar, a decimal of 100 kB) stands in
a value as a mark, which `unmarked` replaces in the bytes.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

import msgspec

from tests.domain.whole_store import TIER_SETS
from tests.samples import ANNA, BORIS, VOUCHER, uid

MEMBERS = (ANNA, BORIS, uid(3), uid(4))
STORES = (*["DEFAULT"] * 14, *["OTHER"] * 5, "NOWHERE")
LEVELS = tuple(tier.level_id for tiers in TIER_SETS for tier in tiers.tiers)
NAMES = ("anna@example.com", "boris@example.com", "+48600100200", "600 100 200", "4000123", "CD", "yes", "x")
DOCUMENTS = ("CD-1", "CD-2", "CD-3")
HOSTILE_TEXTS: tuple[str, ...] = (
    "",
    "\x00",
    "\n\x1b[2J",
    "\u202eevil",
    "\ue000",
    "anna\ue000@example.com",
    "x" * 255,
    "x" * 256,
    "😀" * 255,
    "ﷺ" * 255,
    "İ" * 255,
    "a" + "\u0300" * 254,
    "\u0300\u0323" * 127,
    "1" * 255,
    "+" + "9" * 254,
    "(" * 255,
    "1 - " * 63,
    "a@" + "b." * 120 + "com",
    "a" * 64 + "@" + "1." * 90 + "1",
    '"' * 128 + "@x.pl",
    "@" * 255,
    "٣" * 20,
    "xn--" * 60 + "@xn--a.pl",
    "=1+1",
    "1e400",
    "NaN",
    "-0",
    "a/b/c",
)
HOSTILE_CODES = ("", "default\n", "two words", "ü", ".", "..", "admin", "x" * 64, "x" * 65, "a/b", "\ue000")
HOSTILE_INTEGERS = (0, -1, 1, 2**31 - 1, -(2**31), 36_500, 36_501, 100, 101)
TOO_LARGE = (2**31, 2**62, -(2**63), 2**63 - 1)
MARKED_AMOUNT, MARKED_INSTANT = Decimal("-424242.424242"), datetime(2345, 6, 7, 8, 9, 10, 111213, UTC)
HOSTILE_AMOUNTS = (
    Decimal(0),
    Decimal(-1),
    Decimal("0.000001"),
    Decimal("-0.000001"),
    Decimal("999999999999.999999"),
    Decimal("-999999999999.999999"),
    MARKED_AMOUNT,
)
HOSTILE_INSTANTS = (
    datetime.min.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC),
    datetime(8999, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(9999, 12, 31, tzinfo=UTC),
    datetime(1, 1, 2, tzinfo=UTC),
    datetime(1583, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
    datetime(2024, 2, 29, tzinfo=UTC),
    MARKED_INSTANT,
)


class Draw:
    """The chances of one record. `hostility`: the share of its fields that are hostile. `ids` and `codes` are
    those that came out of records before."""

    def __init__(self, random: Random, now: datetime, ids: Sequence[str] = (), codes: Sequence[str] = ()):
        self.random = random
        self.now = now
        self.ids = ids
        self.codes = codes
        self.hostility = random.choice((0.0, 0.0, 0.0, 0.0, 0.0, 0.02, 0.1, 0.4))

    def hostile(self) -> bool:
        return self.hostility > 0 and self.random.random() < self.hostility

    def text(self, longest: int) -> str:
        if not self.hostile():
            return self.random.choice(self.codes if self.codes and self.random.random() < 0.2 else NAMES)
        if self.random.random() < 0.01:
            return self.random.choice("x1\u0300\x00ﷺ") * self.random.choice((1_000, 60_000, 300_000))
        return self.random.choice(HOSTILE_TEXTS)[: longest + self.random.randint(0, 1)]

    def uuid(self) -> str:
        if self.hostile():
            return self.random.choice(("", "anna", ANNA.upper(), ANNA + "\n", ANNA[:-1], "\ue000" * 12))
        if self.ids and self.random.random() < 0.5:
            return self.random.choice(self.ids)
        return self.random.choice(
            (VOUCHER, *LEVELS, *MEMBERS, f"{self.random.getrandbits(32):08x}{ANNA[8:]}")
        )

    def amount(self) -> Decimal:
        if self.hostile():
            return self.random.choice(HOSTILE_AMOUNTS)
        return Decimal(self.random.choice((1, 5, 10, 100, 250_000, 12_345_678))).scaleb(
            -self.random.randint(0, 6)
        )

    def instant(self) -> datetime:
        if self.hostile():
            return self.random.choice(HOSTILE_INSTANTS)
        return self.now + timedelta(seconds=self.random.choice((0, 0, 0, -1, -86_400, 60, -40 * 86_400)))

    def integer(self, least: int, most: int) -> int:
        if self.hostile():
            return self.random.choice(HOSTILE_INTEGERS)
        return self.random.randint(least, min(most, least + self.random.choice((1, 5, 60))))


Drawer = Callable[[Draw], Any]


def _member(draw: Draw) -> str:
    return draw.uuid() if draw.hostile() else draw.random.choice((ANNA, ANNA, ANNA, BORIS, BORIS, MEMBERS[2]))


def _store(draw: Draw) -> str:
    return draw.random.choice(HOSTILE_CODES if draw.hostile() else STORES)


def _code(draw: Draw) -> str:
    return draw.random.choice(HOSTILE_CODES if draw.hostile() else ("default", "gold", "visit", "gone"))


def _command_id(draw: Draw) -> str:
    return draw.uuid() if draw.random.random() < 0.05 else f"{draw.random.getrandbits(32):08x}{ANNA[8:]}"


def _document(draw: Draw) -> str:
    return draw.text(255) if draw.random.random() < 0.3 else draw.random.choice(DOCUMENTS)


_NAMED: dict[str, Drawer] = {
    "member_id": _member,
    "receiver_id": _member,
    "to_member": _member,
    "asker": _member,
    "found": _member,
    "store": _store,
    "command_id": _command_id,
    "document_number": _document,
    "linked_document_number": _document,
    "level_id": lambda draw: draw.uuid() if draw.hostile() else draw.random.choice(LEVELS),
    "reward_id": lambda draw: draw.uuid() if draw.hostile() else VOUCHER,
    "index": lambda draw: 0 if draw.random.random() < 0.9 else draw.random.choice(HOSTILE_INTEGERS),
}


def _fields(info: msgspec.inspect.StructType) -> Drawer:
    drawers = [(field.name, _NAMED.get(field.name) or drawer(field.type)) for field in info.fields]
    kind = info.cls
    return lambda draw: kind(**{name: make(draw) for name, make in drawers})


def _text(kind: msgspec.inspect.StrType) -> Drawer:
    if kind.pattern and "0-9a-f" in kind.pattern:
        return Draw.uuid
    longest = kind.max_length or 255
    return _code if kind.pattern else lambda draw: draw.text(longest)


def _some(part: Drawer) -> Drawer:
    def some(draw: Draw) -> tuple[Any, ...]:
        if draw.hostility and draw.random.random() < 0.001:
            return (part(draw),) * draw.random.choice((1_000, 12_000))
        return tuple([part(draw) for _ in range(draw.random.choice((0, 1, 1, 2, 5)))])

    return some


def _one_of(kinds: Sequence[Any]) -> Drawer:
    makers = [drawer(kind) for kind in kinds]
    return lambda draw: draw.random.choice(makers)(draw)


def drawer(kind: Any) -> Drawer:  # noqa: PLR0911 - one line a type
    """What draws values of a type as msgspec describes it; hostile ones too."""
    match kind:
        case msgspec.inspect.StructType():
            return _fields(kind)
        case msgspec.inspect.StrType():
            return _text(kind)
        case msgspec.inspect.IntType(ge=least, le=most):
            return lambda draw: draw.integer(least or 0, most or 2**31 - 1)
        case msgspec.inspect.BoolType():
            return lambda draw: draw.random.random() < 0.5
        case msgspec.inspect.BytesType():
            return lambda draw: draw.random.randbytes(draw.random.randint(0, 40))
        case msgspec.inspect.NoneType():
            return lambda _: None
        case msgspec.inspect.DecimalType():
            return Draw.amount
        case msgspec.inspect.DateTimeType():
            return Draw.instant
        case msgspec.inspect.LiteralType(values=values):
            return lambda draw: "\x00?" if draw.hostile() else draw.random.choice(values)
        case msgspec.inspect.UnionType(types=types):
            return _one_of(types)
        case msgspec.inspect.VarTupleType(item_type=part):
            return _some(drawer(part))
        case msgspec.inspect.DictType(value_type=part):
            make = drawer(part)
            return lambda draw: {draw.text(255): make(draw)}
    raise TypeError(f"no drawer for {kind}")


@cache
def drawer_of(cls: type[Any]) -> Drawer:
    return drawer(msgspec.inspect.type_info(cls))


def long(number: int) -> bytes:
    """Avro's integers, of any size: in 64 bits, as ours, and beyond, as a hostile writer's."""
    rest = number << 1 if number >= 0 else (-number << 1) - 1
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def _bytes_of(amount: Decimal) -> bytes:
    number = int(amount.scaleb(6))
    size = number.bit_length() + 8 >> 3
    return long(size) + number.to_bytes(size, "big", signed=True)


_AMOUNT = _bytes_of(MARKED_AMOUNT)
_INSTANT = long((MARKED_INSTANT - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))
# NaN and infinity have no form in Avro: what their writers might put there are no digits, or too many.
_NUMBERS = (
    b"",
    b"\x7f" * 8,
    b"\x80" + b"\x00" * 7,
    b"\x7f" * 9,
    b"\x00" * 100_000,
    b"\xff" * 100_000,
    b"NaN",
)
_MOMENTS = tuple(map(long, (2**63 - 1, -(2**63), 253_402_300_800_000_000, -62_135_596_800_000_001, 2**70)))


def unmarked(data: bytes, random: Random) -> bytes:
    """The marks replaced by what they stand for."""
    number = random.choice(_NUMBERS)
    data = data.replace(_AMOUNT, long(len(number)) + number).replace(_INSTANT, random.choice(_MOMENTS))
    return data.replace("\ue000".encode(), b"\xed\xa0\x80")

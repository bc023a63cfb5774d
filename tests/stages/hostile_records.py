"""Records for a stage: as its producers write them, mutated, or of nobody's making at all."""

from collections.abc import Mapping
from random import Random
from typing import Any, get_args

from msgspec.structs import replace

from streams.codec.avro import HEADER, encode, released_schemas
from streams.delivery.backfill_recipients import HEADER as BACKFILL
from streams.domain.commands import AdvanceClock, DeactivateMember, EraseMember, MemberCommand
from streams.domain.messages import AddressedCommand, EraseDocument, IdentityRequest
from streams.domain.values import Value
from streams.kafka.partitioner import partition_of
from streams.stages.command_dedup import FINGERPRINT_HEADER
from streams.stages.commands import owner_of
from streams.stages.context import Record
from streams.stages.identity import request_key
from streams.topics import COMMANDS, IDENTITY_REQUESTS, WEBHOOK_EVENTS, Topic
from tests.stages.hostile_values import Draw, drawer_of, long, unmarked

PARTITIONS = 3
SOURCES: Mapping[str, Topic] = {"loyalty": COMMANDS, "identity": IDENTITY_REQUESTS, "fan-out": WEBHOOK_EVENTS}
HEADERS = sorted(released_schemas())
_ENDS = (EraseMember, DeactivateMember, EraseDocument)
"""Rare: whoever they are about has nothing more to tell."""
_COMMANDS = get_args(MemberCommand)
_LENGTHS = (
    *map(long, (-1, -2, -(2**31), -(2**63), 2**31, 2**60, 2**63 - 1, 100_000, 2**80)),
    b"\x80" * 11,
    b"\xff" * 200,
    b"\x80" * 100_000,
)


def wanted(value: Any) -> str:
    """The key that the value's record should have."""
    try:
        if isinstance(value, IdentityRequest):
            return request_key(value)
        return "clock" if isinstance(value, AdvanceClock) else owner_of(value.store, value.member_id)
    except IndexError:
        return "DEFAULT/email/x"


class Producer:
    """Hostile records for one stage. The same random numbers make the same records."""

    def __init__(self, stage: str, random: Random) -> None:
        self.topic = SOURCES[stage]
        self._random = random
        self._kinds = tuple(kind for kind in self.topic.values for _ in range(1 if kind in _ENDS else 12))
        self._before: list[Record] = []
        self._offset = 0
        self._ways = (
            [self._drawn] * 13
            + [self._mutated] * 5
            + [self._any_bytes] * 3
            + [self._misaddressed] * 2
            + [self._repeated] * 2
        )

    def next(self, draw: Draw) -> Record:
        self._offset += 1
        made = self._random.choice(self._ways)(draw)
        if len(made.value or b"") < 10_000:
            self._before = [*self._before[-20:], made]
        return made

    def _drawn(self, draw: Draw) -> Record:
        kind = self._random.choice(self._kinds)
        value = drawer_of(kind)(draw)
        if isinstance(value, AddressedCommand):
            value = self._with_command(value, draw)
        return self._record(value)

    def _with_command(self, request: AddressedCommand, draw: Draw) -> AddressedCommand:
        command = drawer_of(self._random.choice(_COMMANDS))(draw)
        data, schema = encode(command)
        if self._random.random() < 0.2:
            data = self._bent(data)
        return replace(request, command=data, schema=schema if self._random.random() < 0.95 else "gone.v1")

    def _record(self, value: Value) -> Record:
        data, header = encode(value)
        key = wanted(value).replace("\ue000", "?").encode()
        return self._of(unmarked(data, self._random), header.encode(), key)

    def _of(self, value: bytes | None, header: bytes, key: bytes | None) -> Record:
        partition = partition_of(key or b"", PARTITIONS)
        return Record(self.topic.name, partition, self._offset, key, value, {HEADER: header})

    def _mutated(self, draw: Draw) -> Record:
        made = self._drawn(draw)
        return made._replace(value=self._bent(made.value or b""))

    def _bent(self, data: bytes) -> bytes:  # noqa: PLR0911 - one case a way
        random = self._random
        at, to = sorted((random.randint(0, len(data)), random.randint(0, len(data))))
        match random.randint(0, 6):
            case 0:
                flipped = bytearray(data)
                for _ in range(random.choice((1, 1, 2, 8))):
                    flipped[random.randrange(len(data))] ^= 1 << random.randint(0, 7)
                return bytes(flipped)
            case 1:
                return data[:at]
            case 2:
                return data[:to] + data[at:]
            case 3 if self._before:
                other = random.choice(self._before).value or b""
                return data[:at] + other[random.randint(0, len(other)) :]
            case 4:
                return data[:at] + random.choice(_LENGTHS) + data[to if random.random() < 0.5 else at :]
            case 5:
                filling = random.choice((b"\x00", b"\x01", b"\x02", b"\x7f", b"\xff", b"["))
                size = 1_000_000 if random.random() < 0.002 else random.choice((1, 10, 1_000))
                return data[:at] + random.choice(_LENGTHS) + filling * size
            case _:
                return data[:at] + random.randbytes(random.randint(1, 12)) + data[to:]

    def _any_bytes(self, draw: Draw) -> Record:
        """Under any schema there is."""
        size = self._random.choice((0, 1, 8, 40, 200))
        value = drawer_of(self._random.choice(self._kinds))(draw)
        header = self._random.choice(HEADERS).encode()
        return self._of(self._random.randbytes(size), header, wanted(value).replace("\ue000", "?").encode())

    def _misaddressed(self, draw: Draw) -> Record:  # noqa: PLR0911 - one case a way
        """Of another key, partition or schema; without a value, or with headers that nobody foresaw."""
        made, random = self._drawn(draw), self._random
        match random.randint(0, 6):
            case 0:
                key = random.choice((None, b"", b"\xff\xfe", b"/", b"DEFAULT/", b"k" * 9_000, b"\x00" * 40))
                return made._replace(key=key, partition=partition_of(key or b"", PARTITIONS))
            case 1:
                return made._replace(partition=random.randrange(PARTITIONS))
            case 2:
                return made._replace(value=None)
            case 3:
                return made._replace(headers={HEADER: random.choice(HEADERS).encode()})
            case 4:
                name = random.choice((b"", b"\xff", b".v1", b"AddUnits", b"AddUnits.v99", b"A.v1" * 9_000))
                return made._replace(headers={HEADER: name} if random.random() < 0.8 else {})
            case 5:
                by = (b"", b"{", b"[" * 100_000, b'{"name":"x","subscriptions":[]}', b"\xff", b"null")
                return made._replace(headers={**made.headers, BACKFILL: random.choice(by)})
            case _:
                print_ = random.randbytes(random.choice((0, 32, 10_000)))
                return made._replace(
                    headers={**made.headers, FINGERPRINT_HEADER: print_, "\u202e": b"", "": b"x"}
                )

    def _repeated(self, draw: Draw) -> Record:
        if not self._before:
            return self._drawn(draw)
        return self._random.choice(self._before)._replace(offset=self._offset)

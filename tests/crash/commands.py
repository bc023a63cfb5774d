"""A seeded stream of commands over all aggregates: refused ones, repeated ones and bad records among them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from heapq import heappop, heappush
from random import Random
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from streams.codec.avro import HEADER, encode
from streams.domain.commands import (
    ActivateMember,
    AdvanceClock,
    AssignTransaction,
    BlockUnits,
    DeactivateMember,
    DocumentCommand,
    EraseMember,
    MemberCommand,
    RecordCustomEvent,
    RecordTransaction,
    TransferUnits,
    UpdateMember,
)
from streams.domain.ids import document_id
from streams.domain.values import Attribute, Buyer, Item, Profile
from streams.stages.commands import owner_of
from tests.samples import NOON, STORE, VOUCHER, add, buy, purchase, register, spend, uid

MEMBERS = 300
# Short lots expire and are announced within it; with some thousand commands, every member has timers.
HISTORY = timedelta(days=150)
REPEATED, BAD, DOCUMENTS = 0.1, 0.01, 0.06
_KINDS = (
    "purchase",
    "add",
    "keep",
    "spend",
    "buy",
    "give",
    "block",
    "change",
    "close",
    "erase",
    "open",
    "review",
)
_WEIGHTS = (35, 18, 8, 18, 10, 10, 4, 6, 1, 1, 3, 3)
# So far behind its first, in records, may a repeat come.
REPEATED_WITHIN = 40
UNKNOWN_REWARD = uid(999)


@dataclass(frozen=True, slots=True)
class Sent:
    """A record as a producer sends it. `partition` None: where the key's hash says."""

    key: bytes | None
    value: bytes | None
    schema: str | None
    partition: int | None = None

    @property
    def headers(self) -> list[tuple[str, str | bytes | None]]:
        return [] if self.schema is None else [(HEADER, self.schema)]


def commands(rng: Random, count: int, members_count: int = MEMBERS) -> Iterator[Sent]:
    """`count` records, issued in order; a repeat is the same bytes again."""
    members = _Members(rng, members_count)
    step = HISTORY / count
    repeats: list[tuple[int, int, Sent]] = []
    for number in range(count):
        if repeats and repeats[0][0] <= number:
            yield heappop(repeats)[2]
            continue
        at = NOON + number * step
        command = members.document(at) if rng.random() < DOCUMENTS else members.command(at)
        sent = _sent(command)
        if rng.random() < BAD:
            sent = _spoilt(rng, sent)
        yield sent
        if rng.random() < REPEATED:
            heappush(repeats, (number + rng.randint(1, REPEATED_WITHIN), number, sent))


def end_of_history(rng: Random, partitions: int) -> list[Sent]:
    """Tells every partition that all lots have had their day."""
    now = NOON + HISTORY + timedelta(days=1000)
    for_all = [encode(AdvanceClock(command_id=_drawn(rng), issued_at=now)) for _ in range(partitions)]
    return [Sent(b"clock", value, schema, number) for number, (value, schema) in enumerate(for_all)]


class _Members:
    """Who is registered, so that most commands are accepted."""

    def __init__(self, rng: Random, count: int) -> None:
        self._rng = rng
        self._count = count
        self._registered: set[str] = set()
        self._documents: list[str] = []

    def command(self, at: datetime) -> MemberCommand:
        member = uid(self._rng.randint(1, self._count))
        made = self._next(member, at)
        return replace(made, command_id=_drawn(self._rng))

    def _next(self, member: str, at: datetime) -> MemberCommand:  # noqa: PLR0911 - one line a kind
        rng, chance = self._rng, self._rng.random()
        # Now and then a member is registered again, or acts without an account: refused.
        if (member not in self._registered and chance < 0.9) or chance < 0.02:
            self._registered.add(member)
            return register(member, at, f"{member}@example.com")
        match rng.choices(_KINDS, _WEIGHTS)[0]:
            case "give" | "block" | "change" | "close" | "erase" | "open" | "review" as kind:
                return self._other(kind, member, at)
            case "purchase":
                return purchase(f"{rng.randint(1, 3000) / 100:.2f}", self._document(), member, at)
            case "add":
                return add(str(rng.randint(1, 200)), member, at, expires_in_days=rng.randint(1, 25))
            case "keep":
                return add(str(rng.randint(1, 50)), member, at, expires_in_days=rng.choice((400, None)))
            case "spend":
                return spend(str(rng.randint(1, 250)), member, at)
        reward = VOUCHER if rng.random() < 0.9 else UNKNOWN_REWARD
        return buy(member, at, reward, quantity=rng.randint(1, 3))

    def _other(self, kind: str, member: str, at: datetime) -> MemberCommand:
        rng = self._rng
        head: dict[str, Any] = {"command_id": uid(0), "store": STORE, "member_id": member, "issued_at": at}
        match kind:
            case "give":
                # Some to nobody, some to who is on another partition: both must be asked for.
                receiver = uid(rng.randint(1, self._count + self._count // 15))
                return TransferUnits(**head, receiver_id=receiver, units=Decimal(rng.randint(1, 60)))
            case "block":
                return BlockUnits(**head, units=Decimal(rng.randint(1, 40)))
            case "change":
                # Now and then another member's: one of the two is refused.
                whose = member if rng.random() < 0.7 else uid(rng.randint(1, self._count))
                email = f"{whose}@{rng.choice(('example.com', 'example.org', 'example.net'))}"
                return UpdateMember(**head, profile=Profile(email=email, gender=rng.choice(("f", "m", None))))
            case "close" | "erase":
                return (EraseMember if kind == "erase" else DeactivateMember)(**head)
            case "open":
                return ActivateMember(**head)
        stars = Attribute(key="stars", value=str(rng.randint(1, 5)))
        return RecordCustomEvent(
            **head, event_type="review", event_id=_drawn(rng), happened_at=at, attributes=(stars,)
        )

    def document(self, at: datetime) -> DocumentCommand:
        """A purchase whose data name a member's e-mail address, or its match by hand."""
        rng = self._rng
        number = f"TILL/{rng.randint(1, 400)}"
        head: dict[str, Any] = {
            "command_id": _drawn(rng),
            "store": STORE,
            "member_id": document_id(STORE, number),
            "issued_at": at,
            "document_number": number,
        }
        member = uid(rng.randint(1, self._count))
        if rng.random() < 0.3:
            return AssignTransaction(**head, to_member=member)
        buyer = Buyer(email=f"{member}@example.com") if rng.random() < 0.8 else None
        item = Item(sku="CD", name="Compact disc", quantity=1, gross_value=Decimal(rng.randint(1, 30)))
        return RecordTransaction(**head, purchased_at=at, items=(item,), buyer=buyer)

    def _document(self) -> str:
        if not self._documents or self._rng.random() > 0.03:
            self._documents.append(f"D-{len(self._documents)}")
        return self._rng.choice(self._documents[-200:])


def _sent(command: MemberCommand | DocumentCommand) -> Sent:
    value, schema = encode(command)
    return Sent(owner_of(command.store, command.member_id).encode(), value, schema)


def _spoilt(rng: Random, sent: Sent) -> Sent:
    """The record, made unreadable in one of the ways that happen."""
    value = sent.value or b""
    match rng.randrange(6):
        case 0:
            return Sent(sent.key, rng.randbytes(rng.randint(0, 200)), sent.schema)
        case 1:
            return Sent(sent.key, value[: rng.randrange(len(value))], sent.schema)
        case 2:
            return Sent(sent.key, value, None)
        case 3:
            return Sent(sent.key, value, "RegisterMember.v99")
        case 4:
            return Sent(owner_of("DEFAULT", uid(MEMBERS + 1)).encode(), value, sent.schema)
        case _:
            return Sent(sent.key, None, sent.schema)


def _drawn(rng: Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))

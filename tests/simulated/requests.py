"""A seeded stream of requests to the identity stage, repeats and bad records among them."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from uuid import UUID

from streams.codec.avro import encode
from streams.domain.messages import ClaimIdentifiers, FindMember, IdentityRequest, ReleaseIdentifier
from streams.domain.values import Identifier
from streams.stages.identity import request_key
from tests.crash.commands import Sent
from tests.samples import NOON, STORE, uid

MEMBERS, IDENTIFIERS = 6, 10
REPEATED, BAD = 0.1, 0.02


def requests(rng: Random, count: int) -> Iterator[Sent]:
    """`count` records: most claim what somebody else may have, or be about to give back."""
    before: list[Sent] = []
    for number in range(count):
        if before and rng.random() < REPEATED:
            yield rng.choice(before[-10:])
            continue
        request = _request(rng, number)
        value, schema = encode(request)
        sent = Sent(request_key(request).encode(), value, schema)
        before.append(sent)
        yield Sent(sent.key, rng.randbytes(20), schema) if rng.random() < BAD else sent


def _request(rng: Random, number: int) -> IdentityRequest:
    at, member, id_ = NOON + timedelta(seconds=number), uid(rng.randint(1, MEMBERS)), _id(rng)
    match rng.choices(("claim", "release", "find"), (6, 3, 1))[0]:
        case "claim":
            return ClaimIdentifiers(
                command_id=id_, store=STORE, member_id=member, issued_at=at, identifiers=_several(rng)
            )
        case "release":
            return ReleaseIdentifier(store=STORE, member_id=member, issued_at=at, identifier=_one(rng))
    return FindMember(
        command_id=id_, store=STORE, asker=member, issued_at=at, by_hand=False, identifiers=_several(rng)
    )


def _several(rng: Random) -> tuple[Identifier, ...]:
    drawn = {rng.randrange(IDENTIFIERS) for _ in range(rng.randint(1, 3))}
    return tuple(_identifier(number) for number in sorted(drawn))


def _one(rng: Random) -> Identifier:
    return _identifier(rng.randrange(IDENTIFIERS))


def _identifier(number: int) -> Identifier:
    return Identifier(kind="email", value=f"{number}@example.com")


def _id(rng: Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))

"""Column families of the delivery log, with their keys and values.

known      delivery                        the delivery's state
attempts   delivery, offset                one attempt
index      term, position                  see streams.delivery.delivery_search
open       subscription, since, delivery   deliveries that are not finished, the oldest first
totals     h hour subscription             counts: delivered, failed attempts, dead letters
           p subscription                  number of deliveries that are not finished
ages       hour, delivery                  the hour of the delivery's latest record
positions  topic/partition                 the offset of the next record to read
           zero byte, topic                the topic's id
"""

from datetime import datetime
from uuid import UUID

import msgspec

from streams.delivery.delivery_search import index_position, index_terms, oldest_first
from streams.delivery.delivery_state import DeliveryState
from streams.delivery.records import Attempt
from streams.tables.store import Store

KNOWN, ATTEMPTS, INDEX, OPEN = "known", "attempts", "index", "open"
TOTALS, AGES, POSITIONS = "totals", "ages", "positions"
FAMILIES = (KNOWN, ATTEMPTS, INDEX, OPEN, TOTALS, AGES, POSITIONS)
_STATE_DECODER = msgspec.msgpack.Decoder(DeliveryState)
_SUMS_DECODER = msgspec.msgpack.Decoder(tuple[int, int, int])
encode = msgspec.msgpack.Encoder().encode
decode_attempt = msgspec.msgpack.Decoder(Attempt).decode


def known_of(store: Store, id_: bytes) -> DeliveryState | None:
    raw = store.get(KNOWN, id_)
    return None if raw is None else _STATE_DECODER.decode(raw)


def sums_of(store: Store, key: bytes) -> tuple[int, int, int]:
    raw = store.get(TOTALS, key)
    return (0, 0, 0) if raw is None else _SUMS_DECODER.decode(raw)


def number_of(store: Store, family: str, key: bytes) -> int:
    return int.from_bytes(store.get(family, key) or b"", "big")


def index_keys(known: DeliveryState) -> list[bytes]:
    at = index_position(known)
    return [term + at for term in index_terms(known)]


def open_key(known: DeliveryState) -> bytes:
    subscription, id_ = UUID(known.subscription_id).bytes, UUID(known.delivery_id).bytes
    return subscription + oldest_first(known.waits_since) + id_


def hour_key(at: datetime, subscription_id: str) -> bytes:
    return b"h" + hours(at) + UUID(subscription_id).bytes


def pending_key(subscription: bytes) -> bytes:
    return b"p" + subscription


def hours(at: datetime) -> bytes:
    # Clamped, so that the hour of a wrong clock fits in four bytes too.
    return max(0, int(at.timestamp()) // 3600).to_bytes(4, "big")


def position_key(topic: str, partition: int) -> bytes:
    return topic.encode() + b"/" + str(partition).encode()


def topic_key(topic: str) -> bytes:
    return b"\x00" + topic.encode()

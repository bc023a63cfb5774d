"""What a listener gets: the requests that an endpoint would, made when it asks; and its place among them."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from api.problems import Complaint, Invalid
from connectors.http.attempt_sender import AttemptSender
from connectors.http.endpoint_auth import Certificate
from connectors.http.sender import MAX_BODY_BYTES, Answer
from streams.delivery.fan_out import fan_out
from streams.delivery.listeners import Listener
from streams.delivery.records import Delivery
from streams.projections.listener_feed import FeedItem, Position

FETCH_ROOT = "fetch"
_CURSOR = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18}){0,999}(~[0-9a-f-]{36})?")


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A request as the sink would send it. `error` is set instead if it cannot be made. `cursor` is the place
    behind it."""

    cursor: str
    delivery: Delivery
    headers: Mapping[str, str]
    body: bytes
    error: str | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """`given`: the delivery that was given already of the record at the position: a legacy webhook may be two
    requests."""

    position: Position
    given: str | None = None

    def text(self) -> str:
        return ".".join(map(str, self.position)) + (f"~{self.given}" if self.given else "")


@dataclass(slots=True)
class RequestCapture:
    """A transport that keeps the request: what a listener gets is what an endpoint would."""

    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    async def send(
        self,
        url: str,  # noqa: ARG002 - the port has it
        headers: Mapping[str, str],
        body: bytes,
        *,
        certificate: Certificate | None = None,  # noqa: ARG002
        most: int = MAX_BODY_BYTES,  # noqa: ARG002
    ) -> Answer:
        self.headers, self.body = dict(headers), body
        return Answer(200, None, None, "", None, 0)


async def prepare_request(
    listener: Listener, delivery: Delivery, sender: AttemptSender, capture: RequestCapture, at: datetime
) -> tuple[Mapping[str, str], bytes, str | None]:
    """Headers and body, or why there are none. `sender` sends over `capture`."""
    answer = await sender.send(delivery, listener.as_subscription(), str(uuid.uuid4()), at)
    return capture.headers, capture.body, answer.error


def make_deliveries(listener: Listener, item: FeedItem) -> list[Delivery]:
    """What one record is for the listener: as a rule one request or none."""
    found = item.found
    if found is None:
        return []
    if isinstance(found, Delivery):
        return [found] if found.subscription_id == listener.listener_id else []
    wanted = listener.wants(type(found).__name__)
    return list(fan_out(found, [listener.as_subscription()])) if wanted else []


def split_cursor(text: str) -> Cursor:
    numbers, _, given = text.partition("~")
    return Cursor(tuple(map(int, numbers.split("."))), given or None)


def parse_cursor(text: str | None, listener: Listener) -> Cursor:
    """Never before the listener's beginning, whatever a client sends. Raises Invalid."""
    if text is None:
        return Cursor(listener.first_offsets)
    if not _CURSOR.fullmatch(text):
        message = "Must be what `next` or a request's `cursor` said."
        raise Invalid(Complaint(f"{FETCH_ROOT}.after", message, "invalid"))
    sent = split_cursor(text)
    size = max(len(sent.position), len(listener.first_offsets))
    first = fit_position(listener.first_offsets, size)
    return Cursor(tuple(map(max, fit_position(sent.position, size), first)), sent.given)


def fit_position(position: Position, size: int) -> Position:
    """The position among as many partitions as there are now; new ones are read from their beginning."""
    *events, examples = position
    return (*(events + [0] * size)[: size - 1], examples)

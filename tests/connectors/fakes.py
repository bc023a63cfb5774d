"""Endpoints without a network."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from connectors.http.endpoint_auth import Certificate
from connectors.http.sender import MAX_BODY_BYTES, Answer, Phase


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as the endpoint sees it. Header names in lower case."""

    url: str
    headers: dict[str, str]
    body: bytes
    certificate: Certificate | None = None


Endpoint = Callable[[Sent], Awaitable[Answer]]


def answered(status: int = 200, response: str = "", retry_after: str | None = None) -> Answer:
    return Answer(status, None, None, response, retry_after, duration_ms=1)


def failed(
    error: str = "could not connect to endpoint: Connection refused", phase: Phase = "before sending"
) -> Answer:
    return Answer(None, error, phase, "", None, duration_ms=1)


def always(answer: Answer) -> Endpoint:
    """An endpoint that gives the same answer to everything."""

    async def endpoint(_sent: Sent) -> Answer:
        return answer

    return endpoint


def in_turn(*answers: Answer) -> Endpoint:
    """An endpoint that gives each answer once, and the last for ever."""
    left = list(answers)

    async def endpoint(_sent: Sent) -> Answer:
        return left.pop(0) if len(left) > 1 else left[0]

    return endpoint


class FakeSender:
    """A Sender whose endpoints are functions. One that awaits is a slow endpoint.

    `sent` lists every request in the order it went out; `under_way` and `most_under_way` count those
    not yet answered. `by_url` endpoints come before the one for all.
    """

    def __init__(
        self, endpoint: Endpoint | None = None, by_url: Mapping[str, Endpoint] | None = None
    ) -> None:
        self.endpoint = endpoint or always(answered())
        self.by_url = dict(by_url or {})
        self.sent: list[Sent] = []
        self.under_way = 0
        self.most_under_way = 0

    async def send(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        certificate: Certificate | None = None,
        most: int = MAX_BODY_BYTES,  # noqa: ARG002
    ) -> Answer:
        sent = Sent(url, {name.lower(): value for name, value in headers.items()}, body, certificate)
        self.sent.append(sent)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return await self.by_url.get(url, self.endpoint)(sent)
        finally:
            self.under_way -= 1

"""Bodies of requests: JSON whose numbers keep every digit that was sent.

The framework reads bodies by `json.loads`, which makes floats of them: 99999999999.999999 would be
100000000000 before any check sees it.
"""

import json
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any, NoReturn

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def read_json(text: str | bytes) -> Any:
    """The value, numbers with a point or an exponent as decimals. Raises JSONDecodeError for all faults."""
    try:
        return json.loads(text, parse_float=_decimal, parse_constant=_refuse)
    except json.JSONDecodeError:
        raise
    except UnicodeDecodeError:
        raise json.JSONDecodeError("It is no UTF-8", "", 0) from None
    except ValueError as error:
        # Also Python's own limit for the digits of a whole number.
        raise json.JSONDecodeError(str(error), "", 0) from None
    except RecursionError:
        raise json.JSONDecodeError("It is nested too deeply", "", 0) from None


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError:
        raise ValueError(f"The number {text[:40]} has an exponent that is too large") from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON (RFC 8259 section 6)")


def write_json(value: object) -> str:
    """Writes JSON that `read_json` reads back unchanged."""
    return _ENCODER.encode(value).decode()


class ExactRequest(Request):
    async def json(self) -> Any:
        return read_json(await self.body())


class ExactRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def exactly(request: Request) -> Response:
            return await handle(ExactRequest(request.scope, request.receive))

        return exactly


class Router(APIRouter):
    """A router whose bodies are read exactly. Every route of the API is made by one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=ExactRoute, **options)

"""The catalogue: one decorated function per webhook makes its body; its docstring is its documentation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from streams.webhooks.events import WebhookEvent
from streams.webhooks.names import LEGACY_TYPES

W = TypeVar("W", bound=WebhookEvent)
Body = dict[str, Any]
"""What stands under `data`: a tree of dicts, lists, strings, decimals, bools and None."""


@dataclass(frozen=True, slots=True)
class Webhook(Generic[W]):
    """One kind of webhook: its names, its documentation, and how its bodies are made."""

    name: str
    legacy_type: str
    description: str
    event: type[W]
    body: Callable[[W], Body]
    legacy_body: Callable[[W], Body | list[Body]]


CATALOGUE: dict[str, Webhook[Any]] = {}
"""By name, every webhook that has a body; filled by the imports of `streams.webhooks`."""


def webhook(
    event: type[W], legacy: Callable[[W], Body | list[Body]] | None = None
) -> Callable[[Callable[[W], Body]], Callable[[W], Body]]:
    """Enter the decorated function into the catalogue as the new-format body of `event`.

    Without `legacy`, the legacy body carries the new format's data: the old system had no such webhook.
    """

    def enter(body: Callable[[W], Body]) -> Callable[[W], Body]:
        name = event.__name__
        CATALOGUE[name] = Webhook(
            name=name,
            legacy_type=LEGACY_TYPES[name],
            description=(body.__doc__ or "").strip(),
            event=event,
            body=body,
            legacy_body=legacy or body,
        )
        return body

    return enter

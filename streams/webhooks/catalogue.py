"""The catalogue of webhooks. One decorated function per webhook makes its body; its docstring is its
documentation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from streams.webhooks.events import WebhookEvent
from streams.webhooks.names import LEGACY_TYPES

W = TypeVar("W", bound=WebhookEvent)
Body = Mapping[str, object]
"""The value under `data`: one of the shapes, a tree of dicts, lists, strings, decimals, bools and None."""
B = TypeVar("B", bound=Body)
LegacyBody = Body | Sequence[Body]


@dataclass(frozen=True, slots=True)
class SecondLegacyWebhook(Generic[W]):
    """A second legacy webhook that the original platform sent for the same event. `body` returns None if it
    sent none."""

    legacy_type: str
    body: Callable[[W], Body | None]


@dataclass(frozen=True, slots=True)
class Webhook(Generic[W]):
    """One kind of webhook: its names, its documentation and the functions that make its bodies."""

    name: str
    legacy_type: str
    description: str
    triggers: tuple[str, ...]
    event: type[W]
    body: Callable[[W], Body]
    legacy_body: Callable[[W], LegacyBody]
    second: SecondLegacyWebhook[W] | None


CATALOGUE: dict[str, Webhook[Any]] = {}
"""All webhooks by name; filled by the imports of `streams.webhooks`."""


def webhook(
    event: type[W],
    *,
    legacy_type: str,
    triggers: tuple[str, ...],
    legacy: Callable[[W], LegacyBody] | None = None,
    second: SecondLegacyWebhook[W] | None = None,
) -> Callable[[Callable[[W], B]], Callable[[W], B]]:
    """Adds the decorated function to the catalogue as the new-format body of `event`.

    The event's class name is the webhook's name, `legacy_type` its dotted one. `triggers` are the actions
    that cause it, one per sentence. Without `legacy`, the legacy body carries the new format's data, as the
    earlier version had no such webhook.
    """

    def add(body: Callable[[W], B]) -> Callable[[W], B]:
        name = event.__name__
        LEGACY_TYPES[name] = legacy_type
        CATALOGUE[name] = Webhook(
            name=name,
            legacy_type=legacy_type,
            description=" ".join((body.__doc__ or "").split()),
            triggers=triggers,
            event=event,
            body=body,
            legacy_body=legacy or body,
            second=second,
        )
        return body

    return add

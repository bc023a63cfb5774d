"""The catalogue: one decorated function per webhook makes its body; its docstring is its documentation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from streams.webhooks.events import WebhookEvent
from streams.webhooks.names import LEGACY_TYPES, add_legacy_type

W = TypeVar("W", bound=WebhookEvent)
Body = Mapping[str, object]
"""What stands under `data`: one of the shapes, a tree of dicts, lists, strings, decimals, bools and None."""
B = TypeVar("B", bound=Body)
LegacyBody = Body | Sequence[Body]


@dataclass(frozen=True, slots=True)
class SecondLegacyWebhook(Generic[W]):
    """A second legacy webhook that the earlier version sent of the same event; None: not of this one."""

    legacy_type: str
    body: Callable[[W], Body | None]


@dataclass(frozen=True, slots=True)
class Webhook(Generic[W]):
    """One kind of webhook: its names, its documentation, and how its bodies are made."""

    name: str
    legacy_type: str
    description: str
    triggers: tuple[str, ...]
    event: type[W]
    body: Callable[[W], Body]
    legacy_body: Callable[[W], LegacyBody]
    second: SecondLegacyWebhook[W] | None


CATALOGUE: dict[str, Webhook[Any]] = {}
"""By name, every webhook that has a body; filled by the imports of `streams.webhooks`."""


def webhook(
    event: type[W],
    *,
    triggers: tuple[str, ...],
    legacy: Callable[[W], LegacyBody] | None = None,
    second: SecondLegacyWebhook[W] | None = None,
    legacy_type: str | None = None,
) -> Callable[[Callable[[W], B]], Callable[[W], B]]:
    """Enter the decorated function into the catalogue as the new-format body of `event`.

    `triggers` says what sets it off, one action a sentence. Without `legacy`, the legacy body carries the
    new format's data: the old system had no such webhook. `legacy_type` is the dotted name of one that is not
    among the names yet.
    """
    if legacy_type:
        add_legacy_type(event.__name__, legacy_type)

    def entered(body: Callable[[W], B]) -> Callable[[W], B]:
        name = event.__name__
        CATALOGUE[name] = Webhook(
            name=name,
            legacy_type=LEGACY_TYPES[name],
            description=" ".join((body.__doc__ or "").split()),
            triggers=triggers,
            event=event,
            body=body,
            legacy_body=legacy or body,
            second=second,
        )
        return body

    return entered

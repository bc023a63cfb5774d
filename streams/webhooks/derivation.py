"""Registers the rules by which facts lead to webhook events."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from streams.domain.events import Fact
from streams.domain.state import State
from streams.domain.store import StoreSettings
from streams.webhooks.events import WebhookEvent

DerivationRule = Callable[[Any, State, StoreSettings], Iterator[WebhookEvent]]
R = TypeVar("R", bound=DerivationRule)
DERIVATION_RULES: defaultdict[type[Fact], list[DerivationRule]] = defaultdict(list)
"""The rules by kind of fact, in the order of their registration; filled by `derives`."""


def derives(*facts: type[Fact]) -> Callable[[R], R]:
    """Registers the decorated function as a rule for these facts. Its state is the one after the fact."""

    def add(rule: R) -> R:
        for fact in facts:
            DERIVATION_RULES[fact].append(rule)
        return rule

    return add

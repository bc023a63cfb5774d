"""Stories of one owner each, told in memory and on the real broker: commands, and what must be delivered."""

from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from streams.domain.commands import Command
from tests.samples import NOON
from tests.scenarios.members import MEMBERS
from tests.scenarios.purchases import PURCHASES
from tests.scenarios.scenario import END, Scenario, Told, matches
from tests.scenarios.store import SETTINGS
from tests.scenarios.units import UNITS

SCENARIOS = (*MEMBERS, *PURCHASES, *UNITS)

__all__ = ["END", "SCENARIOS", "SETTINGS", "Scenario", "Told", "in_order_of_issue", "matches"]


def in_order_of_issue(scenarios: Sequence[Scenario] = SCENARIOS) -> list[Command]:
    """The scenarios' commands as one history, a second between each and the next."""
    every = (command for scenario in scenarios for command in scenario.commands)
    return [replace(c, issued_at=NOON + timedelta(seconds=n)) for n, c in enumerate(every, 1)]

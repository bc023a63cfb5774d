"""Every scenario through the pipeline in memory."""

from typing import cast

import msgspec
import pytest

from streams.domain.commands import AdvanceClock
from streams.stages.turn import StreamClock
from streams.webhooks import CATALOGUE
from tests.driver import Pipeline
from tests.samples import NOON, SETTINGS, subscription, uid
from tests.scenarios import END, SCENARIOS, Scenario, Told, in_order_of_issue, matches


@pytest.fixture(scope="module")
def told() -> dict[str, list[Told]]:
    """What each member caused, all scenarios played as one history."""
    run = Pipeline(SETTINGS, now=NOON, clock=StreamClock())
    run.subscribe(*(subscription(name, number=500 + i) for i, name in enumerate(CATALOGUE)))
    run.when(*in_order_of_issue(), AdvanceClock(command_id=uid(1), issued_at=END))
    decode = msgspec.json.Decoder(float_hook=str).decode
    by_member: dict[str, list[Told]] = {}
    for delivery in run.deliveries():
        data = cast(dict[str, object], decode(delivery.data))
        fields = {k: str(v) if isinstance(v, int) else v for k, v in data.items()}
        by_member.setdefault(delivery.member_id, []).append((delivery.event_name, fields))
    return by_member


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_a_scenario_tells_what_it_must(scenario: Scenario, told: dict[str, list[Told]]) -> None:
    assert matches(told[scenario.member], scenario.told), told[scenario.member]

"""Every scenario through the pipeline in memory, and every trigger of the catalogue among them."""

from typing import NamedTuple, cast

import msgspec
import pytest

from streams.codec.avro import decode
from streams.domain.commands import AdvanceClock
from streams.rejections import CommandRejected
from streams.stages.context import StreamClock
from streams.topics import REJECTIONS
from streams.webhooks import CATALOGUE
from tests.driver import Pipeline
from tests.samples import NOON, subscription, uid
from tests.scenarios import END, SCENARIOS, SETTINGS, Scenario, Told, in_order_of_issue, matches


class Outcome(NamedTuple):
    told: list[Told]
    refused: list[str]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    """What each owner caused, all scenarios played as one history."""
    run = Pipeline(SETTINGS, now=NOON, clock=StreamClock())
    run.subscribe(*(subscription(name, number=500 + i) for i, name in enumerate(CATALOGUE)))
    run.when(*in_order_of_issue(), AdvanceClock(command_id=uid(1), issued_at=END))
    assert run.poison() == []
    found = {scenario.owner: Outcome([], []) for scenario in SCENARIOS}
    read = msgspec.json.Decoder(float_hook=str).decode
    for delivery in run.deliveries():
        data = cast(dict[str, object], read(delivery.data))
        found[delivery.member_id].told.append((delivery.event_name, texts(data)))
    for record in run.log[REJECTIONS.name]:
        rejection = decode(CommandRejected, record.value, record.schema)
        found[rejection.member_id].refused.append(rejection.field)
    return found


def texts(data: dict[str, object]) -> dict[str, object]:
    """Whole numbers as texts, as the others are read."""
    return {k: str(v) if isinstance(v, int) and not isinstance(v, bool) else v for k, v in data.items()}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_a_scenario_tells_what_it_must(scenario: Scenario, outcomes: dict[str, Outcome]) -> None:
    told, refused = outcomes[scenario.owner]

    assert [name for name, _ in told] == [name for name, _ in (*scenario.told, *scenario.later)]
    assert matches(told, (*scenario.told, *scenario.later)), told
    assert sorted(refused) == sorted(scenario.refused)


def test_every_trigger_of_every_webhook_has_a_scenario() -> None:
    shown = {(name, place) for s in SCENARIOS for name, places in s.shows.items() for place in places}
    all_of_them = {(name, place) for name, entry in CATALOGUE.items() for place in range(len(entry.triggers))}

    # Imports go through the same commands: tests/kafka shows them from the file on.
    imported = {("AvailablePointsAmountChanged", 3)}
    assert shown | imported == all_of_them
    assert all(any(name == told for told, _ in (*s.told, *s.later)) for s in SCENARIOS for name in s.shows)

"""A member with very many lots or transactions slows nobody: what a command reads does not grow with them."""

from collections.abc import Callable, Iterable, Iterator

import pytest
from msgspec.structs import replace

from streams.domain.commands import Command
from streams.domain.store import StoreSettings
from streams.stages.loyalty import LoyaltyStage
from streams.tables.store import MemoryStore, Write
from streams.tables.tables import table_families
from tests.driver import Pipeline
from tests.samples import ANNA, NOON, SETTINGS, add, buy, purchase, register, spend

FEW, MANY = 10, 150
OLDEST_FIRST = replace(
    SETTINGS, wallets=tuple(replace(w, spending_order="oldest_created") for w in SETTINGS.wallets)
)


class Counting:
    """A store that counts what is read of it."""

    def __init__(self) -> None:
        self._store = MemoryStore(table_families(LoyaltyStage.kinds))
        self.reads = 0

    def get(self, family: str, key: bytes) -> bytes | None:
        self.reads += 1
        return self._store.get(family, key)

    def scan(self, family: str, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        for found in self._store.scan(family, start):
            self.reads += 1
            yield found

    def write(self, writes: Iterable[Write]) -> None:
        self._store.write(writes)

    def clear(self, family: str) -> None:
        self._store.clear(family)

    def check(self) -> None:
        self._store.check()

    def close(self) -> None:
        self._store.close()


def reads(settings: StoreSettings, before: list[Command], command: Command) -> int:
    """How many entries `command` reads after those."""
    store = Counting()
    run = Pipeline(settings, now=NOON, store=store)
    run.when(register(), *before)
    start = store.reads
    run.when(command)
    assert run.rejections() == []
    return store.reads - start


def lots(count: int) -> list[Command]:
    return [add("1", expires_in_days=20 + number) for number in range(count)]


def purchases(count: int) -> list[Command]:
    return [purchase("10", f"D-{number}") for number in range(count)]


@pytest.mark.parametrize("settings", [SETTINGS, OLDEST_FIRST], ids=["soonest first", "oldest first"])
@pytest.mark.parametrize("before", [lots, purchases])
@pytest.mark.parametrize(
    "command",
    [spend("0.5"), spend("3"), add("1", expires_in_days=5), purchase("1", "D-new")],
    ids=["spend", "spend of whole lots", "add", "purchase"],
)
def test_a_command_reads_as_much_of_many_as_of_few(
    settings: StoreSettings, before: Callable[[int], list[Command]], command: Command
) -> None:
    few, many = (reads(settings, before(count), command) for count in (FEW, MANY))

    assert many <= few + 2


def test_a_reward_is_paid_from_as_many_lots_as_it_costs_and_no_more_are_read() -> None:
    cheap = replace(SETTINGS, rewards=tuple(replace(r, cost=r.cost / 20) for r in SETTINGS.rewards))

    few, many = (reads(cheap, lots(count), buy(ANNA)) for count in (FEW, MANY))

    assert many <= few + 2

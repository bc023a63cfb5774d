"""Records a second: of the runtime alone, of the real stage, and of a restore."""

from collections.abc import Callable, Iterator

from tests.bench.figures import Figure, Run, rate
from tests.bench.load import Sizes, append, commands
from tests.bench.place import Place, measured

PLAIN_LOOP = "plain loop, same records"
"""Consume, copy, produce, in transactions of the same size."""


def throughput(place: Place, sizes: Sizes, say: Callable[[str], None]) -> Iterator[Figure]:
    say("append the commands")
    append(place.connection, commands(sizes))
    skip, total = sizes.preload, sizes.preload + sizes.transfers
    say("floor: plain transactional loop")
    floor = measured(place.job("copy", skip, total))
    say("bare runtime")
    bare = measured(place.job("bare", skip, total))
    yield rate("bare runtime", "commands/s", bare, floor, PLAIN_LOOP, aim_ratio=0.8)
    say("loyalty stage")
    loyalty = measured(place.job("loyalty", skip, total))
    yield rate("loyalty stage", "commands/s", loyalty, floor, PLAIN_LOOP, aim=15_000)
    say("restore")
    yield _restore(place)


def _restore(place: Place) -> Figure:
    floor = measured(place.job("read"))
    took = measured(place.job("restore"))
    restored = Run(floor.records, took.seconds, took.cpu)
    return rate("restore", "records/s", restored, floor, "reading alone", aim=150_000)

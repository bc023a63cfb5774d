"""Records a second: of the runtime alone, of the real stage, and of a restore."""

from collections.abc import Callable, Iterator

from tests.bench.figures import PLAIN_LOOP, Figure, Run, rate
from tests.bench.load import Sizes, append, commands
from tests.bench.place import Place, measured


def plain_loop(place: Place, sizes: Sizes, say: Callable[[str], None]) -> Run:
    """Appends the commands, and is the floor of all that handles them."""
    say("append the commands")
    append(place.connection, commands(sizes))
    say("floor: plain transactional loop")
    return measured(place.job("copy", sizes.preload, sizes.preload + sizes.transfers))


def throughput(place: Place, sizes: Sizes, floor: Run, say: Callable[[str], None]) -> Iterator[Figure]:
    skip, total = sizes.preload, sizes.preload + sizes.transfers
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

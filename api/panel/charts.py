"""Where the bars and lines of a chart stand: pure numbers, drawn by templates/charts.html."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

WIDTH, HEIGHT = 720, 220
LEFT, BELOW, ABOVE = 48, 22, 10
SPARK_WIDTH, SPARK_HEIGHT = 120, 24
MAX_LABELS = 12


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    series: int
    title: str


@dataclass(frozen=True, slots=True)
class AxisMark:
    """A text beside an axis."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars upon one another, one column for each label. `names` are those of the series."""

    names: Sequence[str]
    labels: Sequence[str]
    values: Sequence[Sequence[int]]
    bars: Sequence[Bar]
    across: Sequence[AxisMark]
    up: Sequence[AxisMark]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    floor: float = HEIGHT - BELOW

    @property
    def empty(self) -> bool:
        return not any(map(any, self.values))


def bar_chart(labels: Sequence[str], names: Sequence[str], values: Sequence[Sequence[int]]) -> BarChart:
    """`values` has a sequence for each name, with a number for each label."""
    top = round_up(max((sum(column) for column in zip(*values, strict=True)), default=0))
    scale = (HEIGHT - BELOW - ABOVE) / top
    bars = list(_bars(labels, names, values, scale))
    return BarChart(names, labels, values, bars, _across(labels), _up(top))


@dataclass(frozen=True, slots=True)
class LineChart:
    """Lines from point to point, one for each name, without the values that are None: not known."""

    names: Sequence[str]
    labels: Sequence[str]
    values: Sequence[Sequence[int | None]]
    lines: Sequence[tuple[int, str]]
    """The series, and its points."""
    across: Sequence[AxisMark]
    up: Sequence[AxisMark]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT

    @property
    def empty(self) -> bool:
        return not any(map(any, self.values))


def line_chart(
    labels: Sequence[str], names: Sequence[str], values: Sequence[Sequence[int | None]]
) -> LineChart:
    """`values` has a sequence for each name, with a number or None for each label."""
    top = round_up(max((value or 0 for of in values for value in of), default=0))
    floor, step = HEIGHT - BELOW, (WIDTH - LEFT) / max(1, len(labels))
    scale = (floor - ABOVE) / top
    places = [LEFT + step * (n + 0.5) for n in range(len(labels))]
    lines = [
        (series, " ".join(f"{x:.1f},{floor - value * scale:.1f}" for x, value in known))
        for series, of in enumerate(values)
        if (known := [(x, value) for x, value in zip(places, of, strict=True) if value is not None])
    ]
    return LineChart(names, labels, values, lines, _across(labels), _up(top))


def _across(labels: Sequence[str]) -> list[AxisMark]:
    every, step = -(-len(labels) // MAX_LABELS) or 1, (WIDTH - LEFT) / max(1, len(labels))
    return [AxisMark(LEFT + step * (n + 0.5), text) for n, text in enumerate(labels) if n % every == 0]


def _up(top: int) -> list[AxisMark]:
    floor = HEIGHT - BELOW
    scale = (floor - ABOVE) / top
    return [AxisMark(floor - value * scale, f"{value:,}") for value in (0, top // 2, top) if value or top > 1]


def _bars(
    labels: Sequence[str], names: Sequence[str], values: Sequence[Sequence[int]], scale: float
) -> Iterator[Bar]:
    floor, step = HEIGHT - BELOW, (WIDTH - LEFT) / max(1, len(labels))
    for n, label in enumerate(labels):
        column = [of[n] for of in values]
        for series, (value, reached) in enumerate(zip(column, accumulate(column), strict=True)):
            if value:
                title = f"{label}: {value:,} {names[series]}"
                place = LEFT + step * n + step * 0.12
                yield Bar(place, floor - reached * scale, step * 0.76, value * scale, series, title)


def round_up(most: int) -> int:
    """A round number that is no less: 1, 2, 5, 10, 20, 50 …; an axis ends there."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if size * factor >= most:
                return size * factor
        size *= 10


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Two lines without axes: all, and the bad ones among them."""

    all: str
    bad: str
    told: str
    width: int = SPARK_WIDTH
    height: int = SPARK_HEIGHT


def sparkline(values: Sequence[int], bad: Sequence[int], told: str) -> Sparkline:
    """`told` is what it says, in words."""
    top = max((*values, *bad, 1))
    return Sparkline(_line(values, top), _line(bad, top) if any(bad) else "", told)


def _line(values: Sequence[int], top: int) -> str:
    step, height = SPARK_WIDTH / max(1, len(values) - 1), SPARK_HEIGHT - 4
    return " ".join(f"{n * step:.1f},{2 + height * (1 - value / top):.1f}" for n, value in enumerate(values))

"""What is measured, and how it is shown: as a table and as JSON."""

from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

PLAIN_LOOP = "plain loop, same records"
"""Consume, copy, produce, in transactions of the same size."""
LESS_IS_BETTER = {"ms", "B", "MB"}


@dataclass(frozen=True, slots=True)
class Run:
    """What a measured program says at its end. `cpu` is what all its threads used, in seconds."""

    records: int
    seconds: float
    cpu: float
    memory: float = 0.0
    """Megabytes at their peak."""

    @property
    def rate(self) -> float:
        return self.records / self.seconds

    @property
    def a_cpu_second(self) -> float:
        return self.records / self.cpu


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure and its floor, in the same unit. `aim` is in that unit, or the least `ratio`."""

    name: str
    value: float
    unit: str
    floor: float
    floor_is: str
    aim: float | None = None
    aim_ratio: float | None = None
    a_cpu_second: float | None = None
    """What was done in a second of the processor's time: it holds on a machine that others use too."""
    floor_a_cpu_second: float | None = None

    @property
    def ratio(self) -> float:
        return self.value / self.floor

    @property
    def met(self) -> bool | None:
        """Whether the aim was reached: more is better, except of times and sizes."""
        if self.aim_ratio is not None:
            return self.ratio >= self.aim_ratio
        if self.aim is None:
            return None
        return self.value <= self.aim if self.unit in LESS_IS_BETTER else self.value >= self.aim

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def rate(name: str, unit: str, run: Run, floor: Run, floor_is: str, **aims: float) -> Figure:
    return Figure(
        name,
        run.rate,
        unit,
        floor.rate,
        floor_is,
        a_cpu_second=run.a_cpu_second,
        floor_a_cpu_second=floor.a_cpu_second,
        **aims,
    )


def table(figures: list[Figure]) -> Table:
    shown = Table("figure", "measured", "floor", "ratio", "aim", "a CPU second", "floor")
    for column in shown.columns[1:]:
        column.justify = "right"
    for figure in figures:
        shown.add_row(
            figure.name,
            f"{_number(figure.value)} {figure.unit}",
            _number(figure.floor),
            f"{figure.ratio:.2f}",
            _aim(figure),
            _number(figure.a_cpu_second),
            _number(figure.floor_a_cpu_second),
        )
    floors = {figure.floor_is: figure.name.partition(",")[0] for figure in figures}
    shown.caption = "floors: " + "; ".join(f"{name}, {floor}" for floor, name in floors.items())
    return shown


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


def _aim(figure: Figure) -> str:
    if figure.met is None:
        return "–"
    sign = "≤" if figure.unit in LESS_IS_BETTER else "≥"
    text = _number(figure.aim) if figure.aim is not None else f"ratio {figure.aim_ratio}"
    return f"{sign} {text} {'✓' if figure.met else '✗'}"

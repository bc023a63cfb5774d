"""What is measured, and how it is shown: as a table and as JSON."""

from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Run:
    """What a measured program says at its end. `cpu` is what all its threads used, in seconds."""

    records: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        return self.records / self.seconds


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
    cpu_share: float | None = None
    """CPU seconds for each second that it took: near 1 where the core was the limit."""

    @property
    def ratio(self) -> float:
        return self.value / self.floor

    @property
    def met(self) -> bool | None:
        """Whether the aim was reached: more is better, except of times."""
        if self.aim_ratio is not None:
            return self.ratio >= self.aim_ratio
        if self.aim is None:
            return None
        return self.value <= self.aim if self.unit == "ms" else self.value >= self.aim

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def rate(name: str, unit: str, run: Run, floor: Run, floor_is: str, **aims: float) -> Figure:
    return Figure(name, run.rate, unit, floor.rate, floor_is, cpu_share=run.cpu / run.seconds, **aims)


def table(figures: list[Figure]) -> Table:
    shown = Table("figure", "measured", "floor", "ratio", "aim", "floor is")
    for column in shown.columns[1:5]:
        column.justify = "right"
    for figure in figures:
        shown.add_row(
            figure.name,
            f"{_number(figure.value)} {figure.unit}",
            _number(figure.floor),
            f"{figure.ratio:.2f}",
            _aim(figure),
            figure.floor_is,
        )
    return shown


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}"


def _aim(figure: Figure) -> str:
    if figure.met is None:
        return "–"
    sign = "<" if figure.unit == "ms" else "≥"
    text = _number(figure.aim) if figure.aim is not None else f"ratio {figure.aim_ratio}"
    return f"{sign} {text} {'✓' if figure.met else '✗'}"

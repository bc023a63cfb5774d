"""The data's way as a picture: where what stands, and what is written on it. Pure; drawn by a template."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from api.services.overview import PipelineOverview
from streams.pipeline_health.figures import StageFigures, StageStatus
from streams.pipeline_health.verdict import count_text, duration_text, rate_text

NodeKind = Literal["topic", "stage", "end"]
NodeTone = Literal["", "good", "warn", "bad"]
WIDTH, HEIGHT, TALL = 1150, 282, 66
TOP, MIDDLE, BOTTOM = 8, 108, 208
NODE_WIDTHS: Mapping[NodeKind, int] = {"topic": 134, "stage": 118, "end": 98}
NODE_TONES: Mapping[StageStatus, NodeTone] = {
    "well": "good",
    "catching up": "warn",
    "behind": "warn",
    "stands still": "bad",
    "nobody": "bad",
}


@dataclass(frozen=True, slots=True)
class DiagramNode:
    """`about`: what it is, for those who do not know the name."""

    name: str
    kind: NodeKind
    x: int
    y: int
    about: str


DIAGRAM_NODES = (
    DiagramNode("producers", "end", 0, MIDDLE, "who asks: tills, shops, the REST interface, imports"),
    DiagramNode("commands", "topic", 127, MIDDLE, "what the programme is asked to do"),
    DiagramNode("loyalty", "stage", 289, MIDDLE, "applies the programme's rules"),
    DiagramNode("identity-requests", "topic", 127, BOTTOM, "asked about e-mails, phones and cards"),
    DiagramNode("identity", "stage", 289, BOTTOM, "knows whose e-mail, phone or card it is"),
    DiagramNode("events", "topic", 435, TOP, "what has happened to members"),
    DiagramNode("webhook-events", "topic", 435, MIDDLE, "what webhooks are to tell"),
    DiagramNode("rejections", "topic", 435, BOTTOM, "commands that the rules refused"),
    DiagramNode("fan-out", "stage", 597, MIDDLE, "finds who wants each webhook"),
    DiagramNode("poison", "topic", 589, BOTTOM, "what no stage could read, from any of them"),
    DiagramNode("deliveries", "topic", 743, MIDDLE, "webhooks to be sent, one for each endpoint"),
    DiagramNode("sink", "stage", 905, MIDDLE, "sends them over HTTP"),
    DiagramNode("attempts", "topic", 897, TOP, "what came of each try"),
    DiagramNode("dead-letters", "topic", 897, BOTTOM, "deliveries given up"),
    DiagramNode("endpoints", "end", 1051, MIDDLE, "who is told"),
)
"""In the order of the data's way."""
HORIZONTAL_ARROWS = (
    ("producers", "commands"),
    ("commands", "loyalty"),
    ("identity-requests", "identity"),
    ("loyalty", "events"),
    ("loyalty", "webhook-events"),
    ("loyalty", "rejections"),
    ("webhook-events", "fan-out"),
    ("fan-out", "deliveries"),
    ("deliveries", "sink"),
    ("sink", "endpoints"),
)
VERTICAL_ARROWS = (("identity", "loyalty"), ("sink", "attempts"), ("sink", "dead-letters"))


@dataclass(frozen=True, slots=True)
class DiagramBox:
    place: DiagramNode
    lines: Sequence[str]
    tone: NodeTone = ""

    @property
    def width(self) -> int:
        return NODE_WIDTHS[self.place.kind]

    @property
    def middle(self) -> float:
        return self.place.x + self.width / 2


@dataclass(frozen=True, slots=True)
class PipelineDiagram:
    boxes: Sequence[DiagramBox]
    arrows: Sequence[str]
    """Each the path of a line."""
    width: int = WIDTH
    height: int = HEIGHT
    tall: int = TALL


def pipeline_diagram(overview: PipelineOverview) -> PipelineDiagram:
    fares = {fare.stage.name: fare for fare in overview.fares}
    return PipelineDiagram([_box(place, overview, fares) for place in DIAGRAM_NODES], list(_arrows()))


def _box(place: DiagramNode, overview: PipelineOverview, fares: Mapping[str, StageFigures]) -> DiagramBox:
    match place.kind:
        case "topic":
            return DiagramBox(place, _topic(place.name, overview), _tone(place.name, overview))
        case "stage":
            fare = fares.get(place.name)
            return (
                DiagramBox(place, _stage(fare), NODE_TONES[fare.word])
                if fare
                else DiagramBox(place, ("not known",))
            )
        case "end":
            here = (
                count_text(len(overview.endpoints), "webhook")
                if place.name == "endpoints"
                else "REST, imports"
            )
            return DiagramBox(place, (here,))


def _topic(name: str, overview: PipelineOverview) -> tuple[str, ...]:
    counts = overview.samples[-1].topics.get(name) if overview.samples else None
    if counts is None:
        return ("not known",)
    rate = overview.rate(name)
    return ("" if rate is None else f"{rate_text(rate)} a second", f"{counts.kept:,} kept")


def _tone(name: str, overview: PipelineOverview) -> NodeTone:
    """Where there should be nothing new."""
    return "warn" if name in {"poison", "dead-letters"} and overview.rate(name) else ""


def _stage(fare: StageFigures) -> tuple[str, ...]:
    late = "more than " if fare.behind.at_least else ""
    word = {
        "well": "well",
        "nobody": "nobody works",
        "stands still": "stands still",
        "behind": f"{late}{duration_text(fare.behind.time)} behind",
        "catching up": f"{late}{duration_text(fare.behind.time)} behind, catching up",
    }[fare.word]
    return (word, f"{fare.left:,} to read")


def stage_members(fare: StageFigures) -> str:
    return count_text(fare.members, "process", "processes") if fare.members else "no process"


def _arrows() -> Iterable[str]:
    at = {place.name: place for place in DIAGRAM_NODES}
    for source, target in HORIZONTAL_ARROWS:
        begin, end = at[source], at[target]
        x, y, to, down = begin.x + NODE_WIDTHS[begin.kind], begin.y + TALL // 2, end.x - 3, end.y + TALL // 2
        bend = (x + to) // 2
        yield f"M{x} {y} C{bend} {y} {bend} {down} {to} {down}"
    for source, target in VERTICAL_ARROWS:
        begin, end = at[source], at[target]
        x = begin.x + NODE_WIDTHS[begin.kind] // 2
        up = end.y < begin.y
        yield f"M{x} {begin.y if up else begin.y + TALL} V{end.y + TALL + 3 if up else end.y - 3}"

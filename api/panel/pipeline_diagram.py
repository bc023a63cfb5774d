"""The data's way as a picture: where what stands, and what is written on it. Pure; drawn by a template."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from api.services.overview import Overview
from streams.pipeline_health.figures import StageFigures, StageStatus
from streams.pipeline_health.verdict import count_text, duration_text, rate_text

Kind = Literal["topic", "stage", "end"]
Tone = Literal["", "good", "warn", "bad"]
WIDTH, HEIGHT, TALL = 1150, 282, 66
TOP, MIDDLE, BOTTOM = 8, 108, 208
WIDE: Mapping[Kind, int] = {"topic": 134, "stage": 118, "end": 98}
TONES: Mapping[StageStatus, Tone] = {
    "well": "good",
    "catching up": "warn",
    "behind": "warn",
    "stands still": "bad",
    "nobody": "bad",
}


@dataclass(frozen=True, slots=True)
class Place:
    """`about`: what it is, for those who do not know the name."""

    name: str
    kind: Kind
    x: int
    y: int
    about: str


PLACES = (
    Place("producers", "end", 0, MIDDLE, "who asks: tills, shops, the REST interface, imports"),
    Place("commands", "topic", 127, MIDDLE, "what the programme is asked to do"),
    Place("loyalty", "stage", 289, MIDDLE, "applies the programme's rules"),
    Place("identity-requests", "topic", 127, BOTTOM, "asked about e-mails, phones and cards"),
    Place("identity", "stage", 289, BOTTOM, "knows whose e-mail, phone or card it is"),
    Place("events", "topic", 435, TOP, "what has happened to members"),
    Place("webhook-events", "topic", 435, MIDDLE, "what webhooks are to tell"),
    Place("rejections", "topic", 435, BOTTOM, "commands that the rules refused"),
    Place("fan-out", "stage", 597, MIDDLE, "finds who wants each webhook"),
    Place("poison", "topic", 589, BOTTOM, "what no stage could read, from any of them"),
    Place("deliveries", "topic", 743, MIDDLE, "webhooks to be sent, one for each endpoint"),
    Place("sink", "stage", 905, MIDDLE, "sends them over HTTP"),
    Place("attempts", "topic", 897, TOP, "what came of each try"),
    Place("dead-letters", "topic", 897, BOTTOM, "deliveries given up"),
    Place("endpoints", "end", 1051, MIDDLE, "who is told"),
)
"""In the order of the data's way."""
ACROSS = (
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
UPRIGHT = (("identity", "loyalty"), ("sink", "attempts"), ("sink", "dead-letters"))


@dataclass(frozen=True, slots=True)
class Box:
    place: Place
    lines: Sequence[str]
    tone: Tone = ""

    @property
    def width(self) -> int:
        return WIDE[self.place.kind]

    @property
    def middle(self) -> float:
        return self.place.x + self.width / 2


@dataclass(frozen=True, slots=True)
class Picture:
    boxes: Sequence[Box]
    arrows: Sequence[str]
    """Each the path of a line."""
    width: int = WIDTH
    height: int = HEIGHT
    tall: int = TALL


def picture(overview: Overview) -> Picture:
    fares = {fare.stage.name: fare for fare in overview.fares}
    return Picture([_box(place, overview, fares) for place in PLACES], list(_arrows()))


def _box(place: Place, overview: Overview, fares: Mapping[str, StageFigures]) -> Box:
    match place.kind:
        case "topic":
            return Box(place, _topic(place.name, overview), _tone(place.name, overview))
        case "stage":
            fare = fares.get(place.name)
            return Box(place, _stage(fare), TONES[fare.word]) if fare else Box(place, ("not known",))
        case "end":
            here = (
                count_text(len(overview.endpoints), "webhook")
                if place.name == "endpoints"
                else "REST, imports"
            )
            return Box(place, (here,))


def _topic(name: str, overview: Overview) -> tuple[str, ...]:
    counts = overview.samples[-1].topics.get(name) if overview.samples else None
    if counts is None:
        return ("not known",)
    rate = overview.rate(name)
    return ("" if rate is None else f"{rate_text(rate)} a second", f"{counts.kept:,} kept")


def _tone(name: str, overview: Overview) -> Tone:
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


def members(fare: StageFigures) -> str:
    return count_text(fare.members, "process", "processes") if fare.members else "no process"


def _arrows() -> Iterable[str]:
    at = {place.name: place for place in PLACES}
    for source, target in ACROSS:
        begin, end = at[source], at[target]
        x, y, to, down = begin.x + WIDE[begin.kind], begin.y + TALL // 2, end.x - 3, end.y + TALL // 2
        bend = (x + to) // 2
        yield f"M{x} {y} C{bend} {y} {bend} {down} {to} {down}"
    for source, target in UPRIGHT:
        begin, end = at[source], at[target]
        x = begin.x + WIDE[begin.kind] // 2
        up = end.y < begin.y
        yield f"M{x} {begin.y if up else begin.y + TALL} V{end.y + TALL + 3 if up else end.y - 3}"

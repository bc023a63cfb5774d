"""One line of the doctor's report. Pure."""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

Level = Literal["ok", "advice", "wrong"]


class Finding(msgspec.Struct, frozen=True):
    """What was checked and found. `remedy`: what to do, empty if there is nothing to do or the text says it.

    `advice` is for what works and could be better; it is no failure.
    """

    check: str
    level: Level
    text: str
    remedy: str = ""


def describe_report(finding: Finding) -> Iterator[str]:
    """The finding in lines: what was found, and below it what to do."""
    first, *more = finding.text.split("\n")
    yield f"{finding.level:<7} {finding.check:<17} {first}"
    for line in more:
        yield f"{'':<25} {line}"
    if finding.remedy:
        yield f"{'':<25} → {finding.remedy}"


def encode_report(findings: Sequence[Finding]) -> str:
    """The report as one JSON object."""
    report = {"ok": all(finding.level != "wrong" for finding in findings), "findings": findings}
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode()

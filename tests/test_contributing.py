"""CONTRIBUTING's recipes, followed to the letter in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COPIED = ("streams", "schemas", "connectors", "api", "tests", "pyproject.toml")
STEP = re.compile(
    r"^\d+\. (?:Write `(?P<new>[^`]+)`|In `(?P<changed>[^`]+)`, below `(?P<below>[^`]+)`)[^\n]*:\n\n"
    r"```\w*\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Step:
    file: str
    text: str
    below: str | None
    """The line under which the text goes; None: the file is new."""

    def apply(self, root: Path) -> None:
        path = root / self.file
        if self.below is None:
            assert not path.exists(), f"{self.file} is there already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.text)
            return
        lines = path.read_text().splitlines(keepends=True)
        places = [number for number, line in enumerate(lines) if line.rstrip("\n") == self.below]
        assert len(places) == 1, f"{self.file} has {len(places)} lines {self.below!r}"
        lines.insert(places[0] + 1, self.text)
        path.write_text("".join(lines))


def recipes() -> dict[str, list[Step]]:
    """The steps of each section that has numbered ones."""
    sections = re.split(r"^## ", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.MULTILINE)
    followed = {section.partition("\n")[0]: list(steps(section)) for section in sections}
    return {title: found for title, found in followed.items() if found}


def steps(section: str) -> Iterator[Step]:
    for found in STEP.finditer(section):
        yield Step(found["new"] or found["changed"], found["text"], found["below"])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    leave_out = shutil.ignore_patterns("__pycache__", "screenshots")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=leave_out)
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def test_every_numbered_step_is_understood() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()

    numbered = re.findall(r"^\d+\. ", text, re.MULTILINE)
    assert len(numbered) == sum(map(len, recipes().values()))


@pytest.mark.parametrize("recipe", recipes())
def test_a_recipe_works_as_it_is_written(recipe: str, copy: Path) -> None:
    followed = recipes()[recipe]
    for step in followed:
        step.apply(copy)

    tests = [step.file for step in followed if step.file.startswith("tests/") and step.file.endswith(".py")]
    written = [step.file for step in followed if step.file.endswith(".py")]
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    for command in (
        ("ruff", "check", "--no-cache", *written),
        ("ruff", "format", "--no-cache", "--check", *written),
        ("pytest", "-q", "-p", "no:cacheprovider", *tests),
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

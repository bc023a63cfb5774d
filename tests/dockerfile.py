"""Reads a Dockerfile, and runs a stage's steps in a directory of its own: no engine is needed."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Instruction:
    """`stage` counts from 0 with each FROM; -1 stands before the first."""

    stage: int
    name: str
    rest: str


def instructions(text: str) -> Iterator[Instruction]:
    """All instructions in order, each on one line."""
    stage = -1
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\s*\\\n\s*", " ", lines).splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            stage += name == "FROM"
            yield Instruction(stage, name, rest.strip())


def run_stage(dockerfile: Path, stage: int, root: Path, python: Path) -> None:
    """Runs WORKDIR, COPY and RUN of `stage` under `root`, which stands for `/`; `python` is the image's.

    A path of the image is one that an instruction names with its first slash, such as /wheels. Raises
    CalledProcessError if a step fails, and ValueError for an instruction that it does not know.
    """
    environment = {**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    folder = root
    for step in instructions(dockerfile.read_text()):
        if step.stage != stage:
            continue
        match step.name:
            case "FROM" | "ARG":
                pass
            case "ENV":
                environment.update(_pairs(step.rest))
            case "WORKDIR":
                folder = root / step.rest.lstrip("/")
                folder.mkdir(parents=True, exist_ok=True)
            case "COPY":
                *sources, target = step.rest.split()
                _copy(dockerfile.parent, sources, folder / target)
            case "RUN":
                _run(step.rest, folder, root, environment)
            case _:
                raise ValueError(f"{step.name} {step.rest}: no step that is known here")


def _pairs(rest: str) -> Mapping[str, str]:
    return dict(pair.split("=", 1) for pair in shlex.split(rest))


def _copy(context: Path, sources: list[str], target: Path) -> None:
    for source in sources:
        path = context / source
        if path.is_dir():
            shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            shutil.copy(path, target)


def _run(command: str, folder: Path, root: Path, environment: Mapping[str, str]) -> None:
    here = re.sub(r"(?<![\w.*/-])/(?=\w)", f"{root}/", command)
    subprocess.run(here, shell=True, check=True, cwd=folder, env=environment, timeout=600)  # noqa: S602

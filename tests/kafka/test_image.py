"""The image's steps make a program that runs the whole pipeline outside of the checkout."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.dockerfile import instructions, run_stage

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first stage leaves in /opt/loyalty."""
    root = tmp_path_factory.mktemp("image")
    venv.create(root / "usr", with_pip=True)
    run_stage(DOCKERFILE, 0, root, root / "usr" / "bin" / "python")
    return root / "opt" / "loyalty"


def run_installed(image: Path, home: Path, *words: str, **variables: str) -> str:
    """The output of the `loyalty` that was installed. It must end well, and find nothing of the checkout."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME") if name in os.environ}
    done = subprocess.run(
        [image / "bin" / "loyalty", *words],
        cwd=home,
        env={**kept, "LOYALTY_HOME": str(home), "COLUMNS": "100", **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_only_what_the_program_needs_is_in_the_image(image: Path) -> None:
    names = {path.name.split("-")[0] for path in image.glob("lib/*/site-packages/*.dist-info")}

    assert {"loyalty_webhooks", "confluent_kafka", "faust_streaming"} <= names
    assert not names & {"pip", "pytest", "playwright", "mypy", "hypothesis", "hatchling"}


def test_the_demo_runs_from_what_is_in_the_image(image: Path, bootstrap_servers: str, tmp_path: Path) -> None:
    said = run_installed(
        image, tmp_path, "demo", KAFKA_BOOTSTRAP_SERVERS=bootstrap_servers, LOYALTY_PARTITIONS="2"
    )

    assert "1,088 published = 1,088 delivered + 0 filtered + 0 pending + 0 dead" in said


def test_the_image_runs_as_nobody_s_root_and_keeps_its_state_in_one_place() -> None:
    last = [step for step in instructions(DOCKERFILE.read_text()) if step.stage == 1]
    named = {step.name: step.rest for step in last}

    assert named["USER"] == "10001:10001"
    assert named["VOLUME"] == named["WORKDIR"] == "/var/lib/loyalty"
    assert "LOYALTY_HOME=/var/lib/loyalty" in named["ENV"]
    assert [step.rest for step in last if step.name == "COPY"] == ["--from=build /opt/loyalty /opt/loyalty"]
    # Steps that install something belong to the stage before, whose tools do not come along.
    assert all("pip" not in step.rest and "apt" not in step.rest for step in last if step.name == "RUN")


def test_the_image_has_the_python_for_which_the_lock_was_made() -> None:
    arguments = [step.rest for step in instructions(DOCKERFILE.read_text()) if step.name == "ARG"]

    assert arguments == ["PYTHON=3.11"]
    assert "--python-version 3.11" in (ROOT / "Makefile").read_text()
    assert sys.version_info >= (3, 11)

"""What is delivered: a wheel with all packages, their types, their licence and their data."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=120,
    )
    (file,) = folder.glob("*.whl")
    return zipfile.ZipFile(file)


@pytest.mark.parametrize("package", ["streams", "schemas", "connectors", "api"])
def test_each_package_is_delivered_with_its_types(wheel: zipfile.ZipFile, package: str) -> None:
    assert f"{package}/__init__.py" in wheel.namelist()
    assert f"{package}/py.typed" in wheel.namelist()


def test_the_licence_is_the_one_that_is_named(wheel: zipfile.ZipFile) -> None:
    (licence,) = [name for name in wheel.namelist() if name.endswith(".dist-info/licenses/LICENSE")]
    (metadata,) = [name for name in wheel.namelist() if name.endswith("METADATA")]

    assert "License-Expression: Apache-2.0" in wheel.read(metadata).decode()
    assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()
    assert b"Version 2.0, January 2004" in wheel.read(licence)


def test_no_tests_are_delivered(wheel: zipfile.ZipFile) -> None:
    assert [name for name in wheel.namelist() if name.startswith("tests/")] == []

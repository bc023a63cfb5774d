"""Every test of what stands over a store runs on both its sides."""

from pathlib import Path

import pytest

from tests.tables.stores import SIDES, Open


@pytest.fixture(params=sorted(SIDES))
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    return SIDES[request.param](tmp_path)

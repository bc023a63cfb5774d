import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """`pytest.mark.anyio` runs a test in an event loop: asyncio's, as everything here does."""
    return "asyncio"

"""The fixtures of the behaviour tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .serving import Server, serving


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The module's own `app`, in a process of its own."""
    with serving(f"{Path(__file__).parent.name}.{Path(request.module.__file__).stem}") as running:
        yield running

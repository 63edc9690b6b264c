"""What can be expected of a block: that it serves, that it passes as a test, or that it is none of the Python core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

Check = Callable[[httpx.Client], None]
"""Asks a server, and raises an `AssertionError` where it does not answer as expected."""


@dataclass(frozen=True)
class Ask:
    """A request, and what is expected of its answer; what is not named may be anything."""

    request: str
    """Method and target."""
    status: int = 200
    json: Any = None
    """The body as JSON, exactly."""
    errors: tuple[tuple[str, ...], ...] | None = None
    """The `type` and `loc` of all errors of a 422, in any order: `("missing", "query", "q")`."""
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    """Header fields that the answer has."""
    send: dict[str, Any] = field(default_factory=dict)
    """How httpx sends it: `json`, `data`, `headers`, `cookies` ..."""

    def __call__(self, client: httpx.Client) -> None:
        method, target = self.request.split(" ", 1)
        answer = client.request(method, target, **self.send)
        shown = f"{self.request}: {answer.status_code} {answer.text[:500]}"
        assert answer.status_code == self.status, shown
        if self.json is not None:
            assert answer.json() == self.json, shown
        if self.errors is not None:
            found = {(error["type"], *error["loc"]) for error in answer.json()["errors"]}
            assert found == set(self.errors), shown
        if self.content is not None:
            assert answer.content == self.content, shown
        for name, value in self.headers.items():
            assert answer.headers.get(name) == value, f"{shown} {dict(answer.headers)}"


@dataclass(frozen=True)
class Serves:
    """The block serves: in a process of its own, on a real port."""

    at: tuple[str, ...]
    """The blocks: `"001#2"`."""
    has: str
    """Text that each of the blocks has."""
    checks: tuple[Check, ...]
    given: tuple[str, ...] = ()
    """What stands before the block, from the preamble."""
    then: str = ""
    """What stands behind the block."""
    port: int | None = None
    """The port that the block itself serves on; `None`: `app.run(port=0)` is added."""
    logs: tuple[str, ...] = ()
    """What the program prints or logs, line by line, in any order."""
    beside: Callable[[Path], object] | None = None
    """Writes what the block imports into the folder of the program."""
    part: tuple[int, int | None] | None = None
    """From which line of the block to which one is meant; `None`: all of it."""


@dataclass(frozen=True)
class Passes:
    """The block is a test: pytest runs it and it passes."""

    at: tuple[str, ...]
    has: str
    tests: int
    """How many tests it has."""
    given: tuple[str, ...] = ()


@dataclass(frozen=True)
class Later:
    """The block belongs to another issue, or is not Python."""

    at: tuple[str, ...]
    has: str
    reason: str


Expectation = Serves | Passes | Later

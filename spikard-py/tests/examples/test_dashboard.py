"""The dashboard: events as a client in Python reads them, and the page in a browser."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from support.program import Program, until

from .starting import started


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with started("dashboard/app.py", tmp_path_factory.mktemp("dashboard")) as running:
        yield running


def readings(program: Program, count: int, **headers: str) -> list[dict[str, Any]]:
    """The first readings of a stream."""
    found: list[dict[str, Any]] = []
    with httpx.stream("GET", f"{program.url}/readings", headers=headers, timeout=20) as response:
        assert response.headers["content-type"] == "text/event-stream"
        for line in response.iter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line[6:]))
            if len(found) == count:
                return found
    raise AssertionError(f"the stream ended after {found}")


def watchers(program: Program) -> int:
    """How many streams are open, the one that is opened to ask included."""
    now = str(time.time_ns() // 1_000_000)
    return int(readings(program, 1, **{"Last-Event-ID": now})[0]["watchers"])


def test_readings_come_in_order_and_go_on_where_a_client_left_off(program: Program) -> None:
    first = readings(program, 3)
    moments = [reading["at"] for reading in first]
    assert moments == sorted(set(moments))
    later = readings(program, 2, **{"Last-Event-ID": str(moments[0])})
    assert [reading["at"] for reading in later] == moments[1:]


def test_a_stream_is_closed_when_its_client_leaves(program: Program) -> None:
    with httpx.stream("GET", f"{program.url}/readings") as response:
        lines = response.iter_lines()  # to be held: httpx closes a stream whose iterator is gone
        assert next(lines) == "event: reading"
        assert until(lambda: watchers(program) == 2)
    assert until(lambda: watchers(program) == 1)


def test_the_page_shows_numbers_that_change(program: Program, open_page: Callable[[str], Page]) -> None:
    page = open_page(program.url)
    expect(page.get_by_role("status")).to_have_text("live")

    def number(card: str) -> float:
        return float(page.locator(f"#{card} data").inner_text().replace(",", ""))

    assert until(lambda: number("watchers") == 1)
    before = number("requests")
    page.get_by_role("button", name="Work for a second").click()
    assert until(lambda: number("cpu") > 5)
    assert until(lambda: number("requests") > before)
    line = page.locator("#cpu polyline").get_attribute("points")
    assert line is not None
    assert len(line.split()) > 1
    open_page(program.url)
    assert until(lambda: number("watchers") == 2)

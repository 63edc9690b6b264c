"""The live page of the admin listener, in a browser that reaches no other host."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from support.program import Program, until

from .conftest import Open

CREW = Path(__file__).with_name("crew.py")
TOKEN = "a-token-of-the-operators"
CONFIG = """
shutdown_timeout = "2s"
admin = { port = 0 }
upstreams.dead = { targets = ["http://127.0.0.1:1"], response_timeout = "1s" }

[[routes]]
path = "/hello"
response = { body = "hello" }

[[routes]]
path = "/limited"
response = { body = "hello" }
rate_limit = { per_second = 0.01, burst = 1 }

[[routes]]
path = "/dead"
upstream = "dead"
"""


def serving(folder: Path, config: str) -> Program:
    file = folder / "spikard.toml"
    file.write_text(config)
    return Program.python("-m", "spikard", "serve", file, "--port", "0")


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with serving(tmp_path, CONFIG) as running:
        yield running


def ask(program: Program, path: str, times: int) -> None:
    with httpx.Client(base_url=program.url) as client:
        for _ in range(times):
            client.get(path)


def row(page: Page, route: str) -> list[str]:
    """The cells of a route."""
    return page.locator("#routes tr", has_text=route).locator("td").all_text_contents()


def test_it_shows_what_clients_do(program: Program, open_page: Open) -> None:
    page = open_page(program.admin)
    expect(page.locator("#state")).to_have_text("ready")
    expect(page.locator("#refusals")).to_have_text("none")
    ask(program, "/hello", 30)
    ask(program, "/limited", 5)
    ask(program, "/dead", 2)

    expect(page.locator("#refusals")).to_contain_text("rate_limit: too-many-requests")
    expect(page.locator("#routes")).to_contain_text("/dead")
    assert until(lambda: [row(page, route)[-1:] for route in ("/hello", "/limited", "/dead")] == [["30"], ["5"], ["2"]])
    bar = page.locator("#refusals > div", has_text="rate_limit").locator("meter")
    assert bar.evaluate("bar => [bar.value, bar.max]") == [4, 4]
    assert float(page.locator("#p99").inner_text().split()[0]) > 0
    expect(page.locator("#upstreams")).to_contain_text("dead http://127.0.0.1:1")
    expect(page.locator("#version")).to_have_text(re.compile(r"^\d+\.\d+"))


def test_its_pictures_follow_the_numbers(program: Program, open_page: Open) -> None:
    page = open_page(program.admin)
    expect(page.locator("#state")).to_have_text("ready")

    def height(status: str) -> float:
        return float(page.locator(f"#traffic path.c-{status}").evaluate("path => path.getBBox().height"))

    assert until(lambda: page.locator("#traffic path.c-2xx").count() == 1)
    assert height("2xx") == 0
    ask(program, "/hello", 50)
    assert until(lambda: height("2xx") > 10)
    assert " 0 4xx" in (page.locator("#traffic").get_attribute("aria-label") or "")
    assert until(lambda: "p50" in (page.locator("#latency").get_attribute("aria-label") or ""))
    assert until(lambda: "L" in (page.locator("#latency path.c-p99").get_attribute("d") or ""))


def test_it_shows_that_the_server_drains_and_that_it_is_gone(tmp_path: Path, browser: Browser) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        slow = (
            f'[[routes]]\npath = "/slow"\nupstream = "slow"\n[upstreams.slow]\ntargets = ["http://127.0.0.1:{port}"]\n'
        )
        with serving(tmp_path, CONFIG + slow) as program, socket.create_connection(program.address) as waiting:
            page = browser.new_page()
            page.goto(program.admin)
            expect(page.locator("#state")).to_have_text("ready")
            waiting.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            expect(page.locator("#flight")).to_have_text("1")
            program.signal(signal.SIGTERM)
            expect(page.locator("#state")).to_have_text("draining")
            expect(page.locator("#state")).to_have_text("lost the connection")
            page.close()


def test_a_browser_asks_for_the_token_and_goes_on_with_it(tmp_path: Path, browser: Browser) -> None:
    config = CONFIG.replace("admin = { port = 0 }", f'admin = {{ port = 0, token = "{TOKEN}" }}')
    with serving(tmp_path, config) as program:
        refused = httpx.get(program.admin)
        assert refused.status_code == 401
        assert "Basic" in refused.headers["www-authenticate"]
        context = browser.new_context(http_credentials={"username": "ops", "password": TOKEN})
        page = context.new_page()
        page.goto(program.admin)
        expect(page.locator("#state")).to_have_text("ready")
        context.close()


def test_several_processes_are_one_server(open_page: Open) -> None:
    with Program.python("-m", "spikard", "run", CREW, "--port", "0") as program:
        page = open_page(program.admin)
        expect(page.locator("#state")).to_have_text("ready")
        for _ in range(40):
            httpx.get(f"{program.url}/hello")
        assert until(lambda: row(page, "/hello")[-1:] == ["40"])
        text = httpx.get(f"{program.admin}/metrics").text
        counts = dict(re.findall(r'spikard_requests_total\{route="/hello",.*worker="(\d)"\} (\d+)', text))
        assert set(counts) == {"0", "1"}
        assert sum(map(int, counts.values())) == 40
        assert 'spikard_worker_up{worker="1"} 1' in text
        # The stream of the page ends with the listener, which a browser complains about.
        page.context.close()
        assert program.stop() == 0

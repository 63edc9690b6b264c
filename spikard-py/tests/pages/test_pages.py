"""Swagger UI, Redoc and Scalar in a browser that reaches no other host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from support.program import Program
from support.tokens import token

from .conftest import Open
from .shop import SECRET

SHOP = Path(__file__).with_name("shop.py")
PAGES = ["docs", "redoc", "scalar"]
OPERATIONS = ["Finds a pet by its name", "Offers a pet for sale"]


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    with Program.python("-m", "spikard", "run", SHOP, "--port", "0") as running:
        assert running.logged(lambda line: line.startswith("listening on")), running.log
        yield running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A shop below `/shop` of another server, as its description says."""
    with Program.python("-m", "spikard", "run", SHOP, "--port", "0", env={"SHOP": "/shop"}) as shop:
        assert shop.logged(lambda line: line.startswith("listening on")), shop.log
        file = tmp_path_factory.mktemp("gateway") / "spikard.toml"
        file.write_text(f"""
            upstreams.shop = {{ targets = ["{shop.url}"], strip_prefix = "/shop" }}
            [[routes]]
            path = "/shop/{{*rest}}"
            upstream = "shop"
        """)
        with Program.python("-m", "spikard", "serve", file, "--port", "0") as running:
            assert running.logged(lambda line: line.startswith("listening on")), running.log
            yield running


def unfold(page: Page) -> None:
    """Opens the tag in the menu of Redoc, which shows methods and paths before that; the others show all."""
    if page.url.endswith("/redoc"):
        page.get_by_role("link", name="pets", exact=True).first.click()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_shows_the_operations_by_name(path: str, program: Program, open_page: Open) -> None:
    page = open_page(f"{program.url}/{path}")
    assert "Pets & more" in page.title()
    unfold(page)
    for name in OPERATIONS:
        expect(page.get_by_text(name).first).to_be_visible()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_works_below_a_prefix(path: str, gateway: Program, open_page: Open) -> None:
    page = open_page(f"{gateway.url}/shop/{path}")
    unfold(page)
    expect(page.get_by_text(OPERATIONS[0]).first).to_be_visible()


@pytest.mark.parametrize(("server", "prefix"), [("program", ""), ("gateway", "/shop")])
def test_swagger_ui_calls_a_route_with_the_token_that_was_entered(
    server: str, prefix: str, request: pytest.FixtureRequest, open_page: Open
) -> None:
    shop = request.getfixturevalue(server).url + prefix
    assert httpx.get(f"{shop}/pets/Rex").status_code == 401
    page = open_page(f"{shop}/docs")
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".auth-container input").fill(token(SECRET, exp=4102444800))
    page.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").last.click()

    operation = page.locator(".opblock", has_text=OPERATIONS[0])
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_placeholder("name").fill("Rex")
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table tbody tr").first
    expect(answer).to_contain_text("200")
    expect(answer).to_contain_text('"name": "Rex"')


def test_scalar_calls_a_route_with_the_token_that_was_entered(program: Program, open_page: Open) -> None:
    page = open_page(f"{program.url}/scalar")
    page.get_by_role("button", name="Set dark mode").click()
    page.get_by_role("link", name=OPERATIONS[0]).click()
    page.get_by_role("button", name="Test Request").first.click()
    client = page.get_by_role("dialog", name="API Client")
    client.get_by_placeholder("Token").fill(token(SECRET, exp=4102444800))
    client.get_by_role("row", name="Include name in request").get_by_role("combobox", name="Value").fill("Rex")
    client.get_by_role("button", name="Send get request").click()
    expect(client.get_by_text("200 OK")).to_be_visible()
    expect(client.get_by_text("Rex").last).to_be_visible()


def test_redoc_searches_without_workers(program: Program, open_page: Open) -> None:
    page = open_page(f"{program.url}/redoc")
    page.get_by_role("button", name="light").click()
    page.get_by_text("Search").first.click()
    page.keyboard.type("sale")
    expect(page.get_by_text(OPERATIONS[1]).last).to_be_visible()


def test_files_are_kept_for_good_and_sent_compressed_once(program: Program) -> None:
    with httpx.Client(base_url=program.url) as client:
        page = client.get("/docs")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert len(page.headers["x-request-id"]) == 36
        script = re.findall(r'src="\./(docs/swagger-ui-bundle[^"]+)"', page.text)[0]
        plain = client.get(script, headers={"accept-encoding": "identity"})
        for accepted in ("gzip", "gzip, br, zstd"):
            compressed = client.get(script, headers={"accept-encoding": accepted})
            assert compressed.headers["content-encoding"] == "gzip"
            assert compressed.headers["cache-control"] == "max-age=31536000, immutable"
            assert compressed.headers["vary"] == "accept-encoding"
            assert compressed.content == plain.content
            assert int(compressed.headers["content-length"]) < len(plain.content) / 2
            held = client.get(
                script, headers={"accept-encoding": accepted, "if-none-match": compressed.headers["etag"]}
            )
            assert (held.status_code, held.content) == (304, b"")
        assert "content-encoding" not in plain.headers
        assert plain.headers["etag"] != compressed.headers["etag"]

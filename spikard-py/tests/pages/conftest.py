"""A browser that reaches nothing but this machine, and windows that tell what they tried."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

Open = Callable[[str], Page]

_REPORT = """
addEventListener("securitypolicyviolation", (said) => {
  console.error("forbidden:", said.violatedDirective, said.blockedURI);
});
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium-headless-shell"),
            args=["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens an address in a window of its own.

    A test fails if a window asks, or tries to ask, for anything of another host, if its policy forbids something that
    it tries, or if its console says of an error.
    """
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.type}: {message.text}")

    def opened(url: str) -> Page:
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.add_init_script(_REPORT)

        def ask(event: dict[str, Any]) -> None:
            asked = urlsplit(event["request"]["url"])
            if asked.scheme not in ("data", "blob") and asked.netloc != urlsplit(url).netloc:
                complaints.append(f"asks another host: {asked.geturl()}")

        network = page.context.new_cdp_session(page)
        network.on("Network.requestWillBeSent", ask)
        network.send("Network.enable")
        page.goto(url)
        return page

    yield opened
    for context in browser.contexts:
        context.close()
    assert complaints == []

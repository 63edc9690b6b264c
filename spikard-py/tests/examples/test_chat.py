"""The chat: in two windows of a browser, and over WebSockets of another library."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from support.program import Program
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from .starting import started


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with started("chat/app.py", tmp_path_factory.mktemp("chat")) as running:
        yield running


def enter(program: Program, room: str, name: str) -> ClientConnection:
    """A member of a room."""
    return connect(f"{program.url.replace('http', 'ws')}/rooms/{room}?name={name}", proxy=None)


def event(member: ClientConnection) -> dict[str, Any]:
    """What a member gets next."""
    found: dict[str, Any] = json.loads(member.recv(timeout=20))
    return found


def test_what_one_window_says_the_other_shows(program: Program, open_page: Callable[[str], Page]) -> None:
    ada, ben = open_page(program.url), open_page(program.url)
    for page, name in ((ada, "Ada"), (ben, "Ben")):
        page.get_by_label("Your name").fill(name)
        page.get_by_label("Room").fill("tea")
        page.get_by_role("button", name="Join").click()
        expect(page.get_by_role("status")).to_have_text("connected")
    expect(ada.locator("#members")).to_have_text("Here: Ada, Ben")
    ada.get_by_label("Message").fill("Is <b>tea</b> ready?")
    ada.get_by_role("button", name="Send").click()
    expect(ben.locator("#events .said").last).to_have_text("AdaIs <b>tea</b> ready?")
    ben.get_by_label("Message").fill("In a minute.")
    ben.keyboard.press("Enter")
    expect(ada.locator("#events .said").last).to_have_text("BenIn a minute.")
    expect(ada.locator("#events .mine")).to_have_count(1)
    ben.close()
    expect(ada.locator("#members")).to_have_text("Here: Ada")


def test_rooms_hear_nothing_of_each_other(program: Program) -> None:
    with enter(program, "one", "ann") as ann, enter(program, "two", "bob") as bob:
        assert event(ann) == {"kind": "joined", "name": "ann", "members": ["ann"], "text": ""}
        assert event(bob)["members"] == ["bob"]
        ann.send(json.dumps({"text": "hello"}))
        assert event(ann)["text"] == "hello"
        with pytest.raises(TimeoutError):
            bob.recv(timeout=0.2)


def test_what_is_no_line_is_answered_and_the_connection_stays(program: Program) -> None:
    with enter(program, "errors", "ann") as ann:
        assert event(ann)["kind"] == "joined"
        for wrong in ("{", "[]", '{"text": ""}', json.dumps({"text": "x" * 501})):
            ann.send(wrong)
            assert "kind" not in event(ann)
        ann.send('{"text": "here still"}')
        assert event(ann)["text"] == "here still"


def test_the_limits_are_kept(program: Program) -> None:
    with enter(program, "limits", "ann") as ann:
        ann.send(json.dumps({"text": "x" * 5000}))
        with pytest.raises(ConnectionClosed) as closed:
            [event(ann) for _ in range(3)]
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
    with pytest.raises(InvalidStatus) as refused:
        enter(program, "limits", "")
    assert refused.value.response.status_code == 422


def test_members_who_leave_in_any_way_are_gone(program: Program) -> None:
    with enter(program, "gone", "ann") as ann:
        assert event(ann)["members"] == ["ann"]
        bob = enter(program, "gone", "bob")
        assert event(ann)["members"] == ["ann", "bob"]
        bob.socket.close()
        assert event(ann) == {"kind": "left", "name": "bob", "members": ["ann"], "text": ""}

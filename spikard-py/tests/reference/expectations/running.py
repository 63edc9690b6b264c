"""How applications are started, and tested."""

from __future__ import annotations

from ..kinds import Ask, Expectation, Passes, Serves

HELLO = (Ask("GET /hello", json={"message": "hello"}),)

EXPECTED: list[Expectation] = [
    Serves(
        ("003#1",),
        '"/users/{id:int}"',
        port=8000,
        checks=(
            Ask("GET /users/7", json={"id": 7, "name": "Alice"}),
            Ask("GET /users/x", 422, errors=(("int_parsing", "path", "id"),)),
        ),
    ),
    Serves(("003#6",), "await app.serve(", given=("app", "hello"), port=8080, checks=HELLO),
    # The two halves run apart: the first one serves until it is ended.
    Serves(("001#26", "002#27"), "# Development", given=("app", "hello"), part=(0, 2), port=8000, checks=HELLO),
    Serves(
        ("001#26", "002#27"),
        "# Production",
        given=("app", "hello", "ServerConfig"),
        part=(2, None),
        port=8080,
        checks=HELLO,
    ),
    Passes(("000#7",), "client = TestClient(app)", tests=0),
    Passes(("001#23", "002#24"), "async def test_create_user(client)", tests=2, given=("users",)),
    Passes(("003#7",), "async def test_endpoint()", tests=1, given=("users",)),
    Passes(("003#26",), "async with TestClient(app) as client", tests=1, given=("users",)),
    Passes(("003#27",), "async with LiveTestClient(app) as client", tests=1, given=("users",)),
]

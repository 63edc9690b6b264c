"""Lifecycle hooks."""

from __future__ import annotations

from ..kinds import Ask, Expectation, Serves

ROUTES = """
@app.get("/items/{number}")
async def item(number: int):
    if number == 0:
        raise LookupError(number)
    return {"number": number}
"""
TOKEN = {"headers": {"Authorization": "Bearer token"}}
DENY = {"x-frame-options": "DENY"}

EXPECTED: list[Expectation] = [
    Serves(
        ("001#19", "002#20"),
        "@app.on_error",
        given=("app", "Response"),
        then=ROUTES,
        checks=(
            Ask("GET /items/1", json={"number": 1}, headers=DENY, send=TOKEN),
            Ask("GET /items/1", 401, json={"error": "Unauthorized"}, headers=DENY),
            Ask("GET /items/x", 401, json={"error": "Unauthorized"}),
            Ask("GET /items/x", 422, errors=(("int_parsing", "path", "number"),), headers={}, send=TOKEN),
            Ask("GET /items/0", 500, send=TOKEN),
            Ask("GET /nowhere", 404),
        ),
        logs=("GET /items/1", "GET /items/x", "Error: 422", "Error: 500"),
    ),
    Serves(
        ("003#5",),
        "request: dict[str, object]",
        given=("app",),
        then=ROUTES,
        checks=(Ask("GET /items/1", json={"number": 1}),),
        logs=("GET /items/1",),
    ),
]

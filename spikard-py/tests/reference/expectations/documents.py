"""The description of the API: that it is served, and says what the routes do."""

from __future__ import annotations

from typing import Any

import httpx

from ..kinds import Ask, Check, Expectation, Serves
from .configuration import OK, WITHOUT_APP


def describes(**said: Any) -> Check:
    """The document has these parts, and the routes of the block."""

    def check(client: httpx.Client) -> None:
        answer = client.get("/openapi.json")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        document = answer.json()
        assert document["openapi"].startswith("3.1.")
        assert {key: document.get(key) for key in said} == said
        assert {path: list(operations) for path, operations in document["paths"].items()} == {
            "/": ["get"],
            "/text": ["get"],
            "/size": ["post"],
        }
        text = document["paths"]["/text"]["get"]
        assert text["summary"] == "Text"
        assert text["parameters"][0]["schema"] == {"type": "integer"}
        assert "422" in text["responses"]

    return check


PAGES = tuple(Ask(f"GET {path}", headers={"content-type": "text/html; charset=utf-8"}) for path in ("/docs", "/redoc"))
INFO = {"title": "My API", "version": "1.0.0", "description": "API documentation"}

EXPECTED: list[Expectation] = [
    Serves(
        ("001#18", "002#19"),
        "openapi = OpenApiConfig(",
        given=("ServerConfig",),
        then=WITHOUT_APP,
        checks=(OK, describes(info=INFO), *PAGES),
    ),
    Serves(
        ("003#21",),
        "openapi=OpenApiConfig(",
        then=WITHOUT_APP,
        checks=(
            OK,
            describes(
                info={
                    **INFO,
                    "contact": {"name": "API Support", "email": "support@example.com"},
                    "license": {"name": "MIT", "url": "https://opensource.org/licenses/MIT"},
                },
                servers=[
                    {"url": "https://api.example.com", "description": "Production"},
                    {"url": "http://localhost:8000", "description": "Development"},
                ],
            ),
            *PAGES,
        ),
    ),
]

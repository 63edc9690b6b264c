"""The cache before Python handlers: what they are asked, and what their clients get."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

from spikard import CacheConfig, Response, ServerConfig, Spikard, StreamingResponse

from .serving import serving

app = Spikard(config=ServerConfig(cache=CacheConfig(default_ttl="10m")))
calls = count(1)


@app.get("/number")
async def number() -> int:
    return next(calls)


@app.get("/mine", cache=False)
async def mine() -> int:
    return next(calls)


@app.get("/private")
async def private() -> Response:
    return Response(str(next(calls)), headers={"Cache-Control": "private"})


@app.get("/pieces")
async def pieces() -> StreamingResponse:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield str(next(calls)).encode()

    return StreamingResponse(body())


@app.put("/number")
async def put() -> None:
    return None


def test_a_handler_is_asked_once_until_something_changes() -> None:
    with serving(__name__) as server:

        def get(path: str) -> Any:
            return server.client.get(path).text

        assert [get("/number"), get("/number")] == ["1", "1"]
        assert server.client.get("/number").headers["cache-status"].startswith("spikard; hit; ttl=")
        assert [get("/mine"), get("/mine")] == ["2", "3"]
        assert [get("/private"), get("/private")] == ["4", "5"]
        assert [get("/pieces"), get("/pieces")] == ["678", "678"]
        assert server.client.put("/number").status_code < 300
        assert get("/number") == "9"

"""An app of several processes that tell how they are."""

from __future__ import annotations

from spikard import AdminConfig, ServerConfig, Spikard

app = Spikard(config=ServerConfig(workers=2, admin=AdminConfig(port=0)))


@app.get("/hello")
async def hello() -> str:
    return "hello"

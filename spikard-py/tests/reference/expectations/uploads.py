"""Files and bodies in pieces."""

from __future__ import annotations

from ..kinds import Ask, Expectation, Serves

FILE = {"file": ("a.txt", b"hello", "text/plain")}
TOLD = {"filename": "a.txt", "size": 5, "content_type": "text/plain"}

EXPECTED: list[Expectation] = [
    Serves(
        ("001#10",),
        "content = file.read()",
        given=("app",),
        checks=(
            Ask("POST /upload", json=TOLD, send={"files": FILE}),
            Ask("POST /upload", 422, errors=(("missing", "body", "file"),), send={"files": {"other": b""}}),
        ),
    ),
    Serves(
        ("002#11",),
        "content = await file.aread()",
        given=("app",),
        checks=(Ask("POST /upload", json={**TOLD, "content_length": 5}, send={"files": FILE}),),
    ),
    Serves(
        ("003#22",),
        "body.body.description",
        checks=(
            Ask("POST /upload", json={**TOLD, "description": "d"}, send={"files": FILE, "data": {"description": "d"}}),
            Ask("POST /upload", 422, errors=(("missing", "body", "description"),), send={"files": FILE}),
        ),
    ),
    # The block is the handler alone: the route and what it calls stand behind it.
    Serves(
        ("004#5",),
        "async for chunk in body_stream",
        given=("app",),
        then="""
sizes = []

async def process_chunk(chunk):
    sizes.append(len(chunk))

app.post("/upload")(upload_handler)

@app.get("/size")
async def size():
    return sum(sizes)
""",
        checks=(
            Ask("POST /upload", send={"content": bytes(3_000_000)}),
            Ask("GET /size", json=3_000_000),
        ),
    ),
]

"""What handlers return."""

from __future__ import annotations

from ..kinds import Ask, Expectation, Serves

ADA = {"id": 7, "name": "Ada", "email": "ada@example.com"}

EXPECTED: list[Expectation] = [
    Serves(
        ("001#11", "002#12"),
        'headers={"X-Custom": "value"}',
        given=("app", "User"),
        checks=(
            Ask(
                "POST /users",
                201,
                json=ADA,
                headers={"x-custom": "value", "content-type": "application/json"},
                send={"json": ADA},
            ),
            Ask("POST /users", 422, errors=(("missing", "body", "id"),), send={"json": {"name": "a", "email": "b"}}),
        ),
    ),
    Serves(
        ("001#12", "002#13"),
        "StreamingResponse(generate_data())",
        given=("app",),
        checks=(
            Ask(
                "GET /stream",
                content=b"".join(b"data: %d\n" % i for i in range(10)),
                headers={"transfer-encoding": "chunked"},
            ),
        ),
    ),
    Serves(
        ("003#12",),
        '"/users/{id}"',
        given=("app",),
        checks=(
            Ask("GET /users/3", json={"id": 3, "name": "Alice"}),
            Ask("GET /users/x", 422, errors=(("int_parsing", "path", "id"),)),
        ),
    ),
    Serves(
        ("003#13",),
        '"/download"',
        given=("app",),
        checks=(
            Ask(
                "GET /download",
                content=b"file data",
                headers={
                    "content-type": "application/octet-stream",
                    "content-disposition": 'attachment; filename="file.bin"',
                    "content-length": "9",
                },
            ),
        ),
    ),
    Serves(
        ("003#14",),
        'yield b"chunk %d\\n" % i',
        given=("app",),
        checks=(
            Ask(
                "GET /stream",
                content=b"".join(b"chunk %d\n" % i for i in range(100)),
                headers={"content-type": "text/plain"},
            ),
        ),
    ),
]

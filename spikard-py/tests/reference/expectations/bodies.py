"""Bodies of every kind of type."""

from __future__ import annotations

from ..kinds import Ask, Expectation, Serves

ADA = {"id": 7, "name": "Ada", "email": "ada@example.com"}
PERSON = {"name": "Ada", "email": "ada@example.com"}

EXPECTED: list[Expectation] = [
    Serves(
        ("000#4",),
        "age: Optional[int] = None",
        checks=(
            Ask("POST /users", json={"id": 123, **PERSON, "age": None}, send={"json": PERSON}),
            Ask("POST /users", json={"id": 123, **PERSON, "age": 36}, send={"json": {**PERSON, "age": 36}}),
            Ask(
                "POST /users",
                422,
                errors=(("missing", "body", "email"), ("string_type", "body", "name")),
                send={"json": {"name": 1}},
            ),
            Ask("POST /users", 400, send={"content": b"{", "headers": {"Content-Type": "application/json"}}),
            Ask("POST /users", 415, send={"content": b"{}", "headers": {"Content-Type": "text/plain"}}),
        ),
    ),
    Serves(
        ("001#1", "002#1"),
        "# Automatic validation via msgspec",
        port=8000,
        checks=(
            Ask("GET /users/7", json={"id": 7, "name": "Alice", "email": "alice@example.com"}),
            Ask("POST /users", json=ADA, send={"json": ADA}),
            Ask("POST /users", 422, errors=(("int_parsing", "body", "id"),), send={"json": {**ADA, "id": "7"}}),
        ),
    ),
    Serves(
        ("001#6", "002#6"),
        "class CreatePost(Struct)",
        given=("app",),
        checks=(
            Ask("POST /posts", json={"title": "t", "tag_count": 0}, send={"json": {"title": "t", "content": "c"}}),
            Ask(
                "POST /posts",
                json={"title": "t", "tag_count": 2},
                send={"json": {"title": "t", "content": "c", "tags": ["a", "b"]}},
            ),
            Ask(
                "POST /posts",
                422,
                errors=(("missing", "body", "content"), ("string_type", "body", "tags", "1")),
                send={"json": {"title": "t", "tags": ["a", 1]}},
            ),
        ),
    ),
    Serves(
        ("001#7", "002#8"),
        "EmailStr",
        given=("app",),
        checks=(
            Ask("POST /users", json=PERSON, send={"json": PERSON}),
            Ask(
                "POST /users",
                422,
                errors=(("string_pattern_mismatch", "body", "email"),),
                send={"json": {"name": "a", "email": "no"}},
            ),
            Ask(
                "POST /users",
                422,
                errors=(("missing", "body", "name"), ("missing", "body", "email")),
                send={"json": {}},
            ),
        ),
    ),
    Serves(
        ("001#8", "002#9"),
        "class Product",
        given=("app",),
        checks=(
            Ask("POST /products", json={"name": "tea", "price": 2.5}, send={"json": {"name": "tea", "price": 2.5}}),
            Ask("POST /products", json={"name": "tea", "price": 2.0}, send={"json": {"name": "tea", "price": 2}}),
            Ask("POST /products", 422, errors=(("missing", "body", "price"),), send={"json": {"name": "tea"}}),
        ),
    ),
    Serves(
        ("001#9", "002#10"),
        "request_schema=user_schema",
        given=("app",),
        checks=(
            Ask("POST /users", json={**PERSON, "more": 1}, send={"json": {**PERSON, "more": 1}}),
            Ask(
                "POST /users",
                422,
                errors=(("string_pattern_mismatch", "body", "email"),),
                send={"json": {"name": "a", "email": "no"}},
            ),
            Ask(
                "POST /users",
                422,
                errors=(("missing", "body", "email"), ("string_type", "body", "name")),
                send={"json": {"name": None}},
            ),
        ),
    ),
    Serves(
        ("003#3",),
        "payment: Body[Payment]",
        given=("app",),
        checks=(
            Ask("POST /payments", json={"id": "a", "amount": 1.5}, send={"json": {"id": "a", "amount": 1.5}}),
            Ask(
                "POST /payments",
                422,
                errors=(("float_parsing", "body", "amount"),),
                send={"json": {"id": "a", "amount": "1.5"}},
            ),
        ),
    ),
]

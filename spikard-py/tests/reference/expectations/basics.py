"""Routes and parameters."""

from __future__ import annotations

from ..kinds import Ask, Expectation, Serves

ADA = {"id": 7, "name": "Ada", "email": "ada@example.com"}

EXPECTED: list[Expectation] = [
    Serves(
        ("000#1",),
        '@get("/hello")',
        port=8000,
        checks=(
            Ask("GET /hello?name=Ada", json={"message": "Hello, Ada!"}),
            Ask("GET /hello?name=%C3%84da%20%26", json={"message": "Hello, Äda &!"}),
            Ask("GET /hello", 422, errors=(("missing", "query", "name"),)),
            Ask("POST /hello", 405, headers={"allow": "GET, HEAD, OPTIONS"}),
            Ask("GET /nowhere", 404),
        ),
    ),
    Serves(
        ("000#2",),
        '@get("/users/{user_id}")',
        checks=(
            Ask("GET /users/7", json={"user_id": 7, "name": "Alice"}),
            Ask("GET /users/seven", 422, errors=(("int_parsing", "path", "user_id"),)),
        ),
    ),
    Serves(
        ("000#3",),
        "q: str = Query(...)",
        checks=(
            Ask("GET /search?q=a", json={"query": "a", "limit": 10, "results": []}),
            Ask("GET /search?q=a&limit=3", json={"query": "a", "limit": 3, "results": []}),
            Ask("GET /search?limit=x", 422, errors=(("missing", "query", "q"), ("int_parsing", "query", "limit"))),
        ),
    ),
    Serves(("000#5",), '@get("/slow")', checks=(Ask("GET /slow", json={"status": "completed"}),)),
    Serves(
        ("001#2", "002#2"),
        "async def list_users()",
        given=("User",),
        checks=(
            Ask("GET /users", json={"users": []}),
            Ask("POST /users", json=ADA, send={"json": ADA}),
            Ask("POST /users", 422, errors=(("missing", "body", "email"),), send={"json": {"id": 1, "name": "a"}}),
        ),
    ),
    Serves(
        ("001#3", "002#3"),
        '@put("/users/{user_id}")',
        given=("User",),
        checks=(
            Ask("GET /users", json={"users": []}),
            Ask("POST /users", json=ADA, send={"json": ADA}),
            Ask("PUT /users/7", json=ADA, send={"json": ADA}),
            Ask(
                "PUT /users/x",
                422,
                errors=(("int_parsing", "path", "user_id"), ("missing", "body", "name")),
                send={"json": {"id": 1, "email": ""}},
            ),
            Ask("PATCH /users/7", json={"any": [1, None]}, send={"json": {"any": [1, None]}}),
            Ask("PATCH /users/7", 422, send={"json": [1]}),
            Ask("DELETE /users/7", json={"deleted": True}),
        ),
    ),
    Serves(
        ("001#4", "002#4"),
        "/posts/{post_id}/comments/{comment_id}",
        given=("app",),
        checks=(
            Ask("GET /users/7", json={"id": 7}),
            Ask("GET /posts/1/comments/-2", json={"post_id": 1, "comment_id": -2}),
            Ask(
                "GET /posts/a/comments/b",
                422,
                errors=(("int_parsing", "path", "post_id"), ("int_parsing", "path", "comment_id")),
            ),
        ),
    ),
    Serves(
        ("001#5", "002#5"),
        "limit: int = Query(default=10)",
        given=("app",),
        checks=(
            Ask("GET /search?q=a", json={"query": "a", "limit": 10, "offset": 0}),
            Ask("GET /search?q=a&limit=1&offset=2", json={"query": "a", "limit": 1, "offset": 2}),
            Ask("GET /search", 422, errors=(("missing", "query", "q"),)),
        ),
    ),
    Serves(
        ("003#2",),
        'Router(prefix="/users")',
        given=("app",),
        checks=(Ask("GET /users/7", json={"id": 7}), Ask("GET /7", 404)),
    ),
    Serves(
        ("003#8",),
        "limit: Query[int] = Query(default=10)",
        given=("app",),
        checks=(
            Ask("GET /search?q=a", json={"query": "a", "limit": 10}),
            Ask("GET /search?q=a&limit=2", json={"query": "a", "limit": 2}),
            Ask("GET /search?limit=2.5", 422, errors=(("missing", "query", "q"), ("int_parsing", "query", "limit"))),
        ),
    ),
    Serves(
        ("003#9",),
        "user_id: Path[int]",
        given=("app",),
        checks=(
            Ask("GET /users/7", json={"id": 7}),
            Ask("GET /users/x", 422, errors=(("int_parsing", "path", "user_id"),)),
        ),
    ),
    Serves(
        ("003#10",),
        "x_token: Header[str]",
        given=("app",),
        checks=(
            Ask("GET /info", json={"token": "abc"}, send={"headers": {"X-Token": "abc"}}),
            Ask("GET /info", 422, errors=(("missing", "headers", "x-token"),)),
        ),
    ),
    Serves(
        ("003#11",),
        "session_id: Cookie[str]",
        given=("app",),
        checks=(
            Ask("GET /profile", json={"session": "s1"}, send={"headers": {"Cookie": "a=b; session_id=s1"}}),
            Ask("GET /profile", 422, errors=(("missing", "cookie", "session_id"),)),
        ),
    ),
    Serves(
        ("004#4",),
        "path_params: dict",
        given=("app",),
        then=(
            "@app.route('/raw/{id}', methods=['POST'])\n"
            "async def raw(path_params: dict, query_params: dict, body: dict, "
            "headers: dict, cookies: dict, method: str, path: str):\n"
            "    return [path_params, query_params, body, headers['x-one'], cookies, method, path]\n"
            "app.register_route('POST', '/hello', my_handler)\n"
        ),
        checks=(
            Ask("POST /hello?a=1", json={"message": "Hello"}, send={"json": {}}),
            Ask(
                "POST /raw/7?a=1&b=x",
                json=[{"id": "7"}, {"a": "1", "b": "x"}, {"c": [1]}, "1", {"d": "e"}, "POST", "/raw/7"],
                send={"json": {"c": [1]}, "headers": {"X-One": "1", "Cookie": "d=e"}},
            ),
        ),
    ),
]

"""Lifecycle hooks: their order, what stops a request, what becomes of errors (docs/adr/0025)."""

import logging
from typing import Any

import msgspec
import pytest

from spikard import HTTPException, Request, Response, Router, ServerConfig, Spikard, TestClient

SECRET = "a secret in the text of an exception"


class Item(msgspec.Struct):
    name: str


@pytest.fixture
def app() -> Spikard:
    return Spikard()


@pytest.fixture
def seen(app: Spikard) -> list[str]:
    """What ran, in order; each request and each response goes on."""
    seen: list[str] = []

    def note(kind: str, text: str, *, is_async: bool) -> None:
        def sync(value: Any) -> Any:
            seen.append(text)
            return value

        async def asynchronous(value: Any) -> Any:
            return sync(value)

        getattr(app, kind)(asynchronous if is_async else sync)

    # Registered in another order than they run in.
    for kind in ("on_error", "on_response", "pre_handler", "pre_validation", "on_request"):
        note(kind, f"{kind} 1", is_async=True)
        note(kind, f"{kind} 2", is_async=False)

    @app.post("/items/{number}")
    async def item(number: int, body: Item) -> dict[str, Any]:
        seen.append("handler")
        return {"number": number, "name": body.name}

    @app.get("/raise")
    def raises(status: int = 0) -> None:
        seen.append("handler")
        raise HTTPException(status, "taken") if status else RuntimeError(SECRET)

    return seen


IN = ["on_request 1", "on_request 2", "pre_validation 1", "pre_validation 2"]
CHECKED = [*IN, "pre_handler 1", "pre_handler 2", "handler"]
RESPONSE = ["on_response 1", "on_response 2"]
ERROR = ["on_error 1", "on_error 2"]
OK: dict[str, Any] = {"json": {"name": "a"}}


@pytest.mark.parametrize(
    ("method", "target", "options", "status", "expected"),
    [
        ("POST", "/items/1", OK, 200, CHECKED + RESPONSE),
        ("POST", "/items/x", OK, 422, IN + ERROR),
        ("POST", "/items/1", {"json": {"name": 1}}, 422, IN + ERROR),
        ("POST", "/items/1", {"content": b"{", "headers": {"content-type": "application/json"}}, 400, IN + ERROR),
        ("POST", "/items/1", {"content": b"{}", "headers": {"content-type": "text/plain"}}, 415, IN + ERROR),
        ("GET", "/raise", {}, 500, CHECKED + ERROR),
        ("GET", "/raise?status=409", {}, 409, CHECKED + ERROR),
        ("GET", "/nowhere", {}, 404, []),
        ("GET", "/items/1", {}, 405, []),
    ],
)
def test_the_order(app, seen, method, target, options, status, expected):  # noqa: PLR0917
    assert TestClient(app).request(method, target, **options).status_code == status
    assert seen == expected


def test_what_the_stack_refuses_meets_no_hook(app, seen):
    app.post("/small", max_body_size=1)(lambda body: None)
    app.get("/secret", api_key_auth={"keys": ["k" * 32]})(lambda: None)
    app.get("/rare", rate_limit={"per_second": 1, "burst": 1})(lambda: None)
    client = TestClient(app)
    assert client.post("/small", json={"a": 1}).status_code == 413
    assert client.get("/secret").status_code == 401
    assert client.get("/rare").status_code == 200
    assert seen
    seen.clear()
    assert client.get("/rare").status_code == 429
    assert seen == []


@pytest.mark.parametrize("kind", ["on_request", "pre_validation", "pre_handler"])
def test_a_response_stops_the_request_and_passes_on_response(app, seen, kind):
    @getattr(app, kind)
    async def stop(request):
        return Response({"stopped": request.path}, status_code=403)

    getattr(app, kind)(lambda request: pytest.fail("a hook behind the one that stopped"))
    response = TestClient(app).post("/items/1", **OK)
    assert (response.status_code, response.json()) == (403, {"stopped": "/items/1"})
    assert seen == [text for text in CHECKED if text != "handler"][: seen.index(f"{kind} 2") + 1] + RESPONSE


def test_on_response_changes_what_is_sent(app):
    app.get("/plain")(lambda: {"a": 1})
    app.get("/own")(lambda: Response("text", headers={"x-own": "1"}))

    @app.on_response
    async def change(response):
        response.headers["X-Frame-Options"] = "DENY"
        response.status_code += 1
        return response

    @app.on_response
    def replace(response: Response, request: Request) -> Response:
        return Response("other", 203) if request.path == "/own" else response

    client = TestClient(app)
    plain, own = client.get("/plain"), client.get("/own")
    assert (plain.status_code, plain.json(), plain.headers["x-frame-options"]) == (201, {"a": 1}, "DENY")
    assert (own.status_code, own.text, "x-own" in own.headers) == (203, "other", False)


def test_on_error_gets_the_response_and_says_what_is_sent(app, seen):
    @app.on_error
    def change(request, response):
        if response.status_code == 422:
            errors = msgspec.json.decode(response.content)["errors"]
            return Response({"wrong": [error["loc"] for error in errors]}, 400)
        response.headers["x-path"] = request.path
        return response

    client = TestClient(app)
    wrong = client.post("/items/x", json={"name": 1})
    assert (wrong.status_code, wrong.json()) == (400, {"wrong": [["path", "number"], ["body", "name"]]})
    taken = client.get("/raise?status=409")
    assert (taken.json()["detail"], taken.headers["x-path"]) == ("taken", "/raise")
    assert taken.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("kind", ["on_request", "pre_validation", "pre_handler", "on_response"])
def test_a_hook_that_raises_is_an_error_of_the_request(app, seen, kind, caplog):
    @getattr(app, kind)
    async def fail(_):
        raise RuntimeError(SECRET)

    response = TestClient(app).post("/items/1", **OK)
    assert (response.status_code, response.json()["detail"]) == (500, "Internal server error")
    assert SECRET not in response.text
    assert SECRET in caplog.text
    assert seen[-2:] == ERROR


@pytest.mark.parametrize("kind", ["on_request", "pre_validation", "pre_handler", "on_response", "on_error"])
def test_an_http_exception_of_a_hook_keeps_its_meaning(app, seen, kind):
    @getattr(app, kind)
    def fail(_):
        raise HTTPException(418, "tea", headers={"x-tea": "green"})

    response = TestClient(app).post("/items/x" if kind == "on_error" else "/items/1", **OK)
    assert (response.status_code, response.json()["detail"], response.headers["x-tea"]) == (418, "tea", "green")


def test_a_hook_of_on_error_that_raises_is_the_last_one(app, seen, caplog):
    app.on_error(lambda response: 1 / 0)
    app.on_error(lambda response: pytest.fail("a hook behind the one that failed"))
    response = TestClient(app).get("/raise?status=409")
    assert (response.status_code, response.json()["detail"]) == (500, "Internal server error")
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("answer", [None, True, {}, "request", Exception()])
@pytest.mark.parametrize("kind", ["on_request", "pre_validation", "pre_handler", "on_response", "on_error"])
def test_another_answer_of_a_hook_is_logged_and_a_500(app, seen, kind, answer, caplog):
    @getattr(app, kind)
    async def forgets(_):
        return answer

    response = TestClient(app).post("/items/x" if kind == "on_error" else "/items/1", **OK)
    assert response.status_code == 500
    assert f"forgets returned {answer!r}, expected " in caplog.text


def test_exception_handlers_answer_for_hooks_and_on_error_gets_their_response(app, seen):
    @app.exception_handler(LookupError)
    async def missing(error, request):
        return Response({"missing": str(error), "at": request.path}, 404)

    @app.on_request
    def look_up(request):
        raise KeyError("user") if request.path == "/raise" else LookupError("x")

    app.on_error(lambda response: Response({"was": response.content}, response.status_code))
    response = TestClient(app).get("/raise")
    assert (response.status_code, response.json()) == (404, {"was": {"missing": "'user'", "at": "/raise"}})


def test_what_cannot_be_written_is_an_error_too(app, seen, caplog):
    app.get("/object")(lambda: {"value": object()})
    assert TestClient(app).get("/object").status_code == 500
    assert seen[-4:] == RESPONSE + ERROR
    assert "object cannot be written as JSON" in caplog.text


def test_hooks_of_routers_stand_inside_those_of_the_application(app, seen):
    router, inner = Router("/r"), Router("/i")
    for name, table in (("router", router), ("inner", inner)):
        table.on_request(lambda request, name=name: seen.append(name) or request)
        table.on_response(lambda response, name=name: seen.append(name) or response)
        table.get("/")(lambda: None)
    router.include_router(inner)
    app.include_router(router)
    client = TestClient(app)
    assert client.get("/r/i/").status_code == 200
    assert seen == ["on_request 1", "on_request 2", "router", "inner", *CHECKED[2:-1], "inner", "router", *RESPONSE]
    seen.clear()
    client.get("/raise")
    assert "router" not in seen


def test_a_hook_is_a_function_of_what_it_gets(app):
    for wrong, text in [
        (5, "on_request hook is 5, expected a function of the request"),
        (lambda: None, "has no parameter, expected one for the request"),
        ((lambda request: (yield request)), "is a generator, expected a function that returns"),
    ]:
        with pytest.raises(TypeError, match=text):
            app.on_request(wrong)


def test_any_callable_may_be_a_hook(app):
    class Stamp:
        async def __call__(self, request):
            request.state.stamped = True
            return request

    app.on_request(Stamp())

    @app.get("/")
    async def stamped(request: Request):
        return request.state.stamped

    assert TestClient(app).get("/").json() is True


def test_the_log_of_a_handler_names_its_route(app, seen, caplog):
    caplog.set_level(logging.ERROR)
    TestClient(Spikard(ServerConfig()), headers={"x-request-id": "abc"})
    TestClient(app, headers={"x-request-id": "abc"}).get("/raise")
    assert "raises failed (request abc)" in caplog.text

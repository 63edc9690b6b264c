"""What hooks see of a request, and that what they change in it is checked and reaches the handler."""

import asyncio
import contextvars
import time
from typing import Annotated, Any

import msgspec
import pytest
from support.tokens import bearer

from spikard import Body, Cookie, File, Form, Header, Query, Request, Response, Spikard, TestClient, UploadFile

SECRET = "s" * 32


class Item(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(min_length=2)]


@pytest.fixture
def app() -> Spikard:
    app = Spikard()

    @app.post("/items/{number}")
    async def item(  # noqa: PLR0917
        request: Request,
        number: int,
        item: Item,
        x_tenant: Annotated[str, Header()] = "none",
        session: Annotated[str, Cookie()] = "none",
        tag: Annotated[list[str], Query()] = [],  # noqa: B006
    ) -> dict[str, Any]:
        return {
            "number": number,
            "name": item.name,
            "tenant": x_tenant,
            "session": session,
            "tag": tag,
            "query": request.query_string,
            "body": (await request.body()).decode(),
            "state": vars(request.state),
        }

    return app


def ask(app: Spikard, target: str = "/items/1", **options: Any) -> Any:
    return TestClient(app).post(target, **({"json": {"name": "ada"}} | options)).json()


CHANGES = ["on_request", "pre_validation", "pre_handler"]


def test_a_request_can_be_read_as_attributes_and_as_items(app):
    read = {}

    @app.on_request
    async def look(request: dict[str, object]):
        read.update(request)
        read["body"] = await request.body()  # type: ignore[attr-defined]
        read["json"] = await request.json()  # type: ignore[attr-defined]
        assert all(getattr(request, name) == value for name, value in read.items() if name not in ("body", "json"))
        assert [name in request for name in ("method", "nothing")] == [True, False]
        assert request.get("nothing", 1) == 1
        with pytest.raises(KeyError):
            request["nothing"]
        return request

    ask(app, "/items/1?tag=a&tag=b", headers={"X-Tenant": "t"}, cookies={"session": "s"})
    assert (read["method"], read["path"], read["query_string"]) == ("POST", "/items/1", "tag=a&tag=b")
    assert (read["path_params"], read["query_params"]) == ({"number": "1"}, {"tag": "a"})
    assert (read["route"], read["cookies"]) == ("/items/{number}", {"session": "s"})
    assert read["headers"]["x-TENANT"] == "t"
    assert (read["body"], read["json"], read["claims"]) == (b'{"name":"ada"}', {"name": "ada"}, None)


@pytest.mark.parametrize("kind", CHANGES)
def test_what_a_hook_changes_reaches_validation_and_handler(app, kind):
    @getattr(app, kind)
    async def change(request):
        request.headers["X-Tenant"] = "hook"
        request.path_params["number"] = "7"
        request.query_params["tag"] = ["x y", "&"]
        request.cookies["session"] = "new"
        request.state.user = "ada"
        request.set_body({"name": "new"})
        return request

    answer = ask(app, "/items/1?a=1&a=2&tag=b")
    assert answer == {
        "number": 7,
        "name": "new",
        "tenant": "hook",
        "session": "new",
        "tag": ["x y", "&"],
        "query": "a=1&a=2&tag=x%20y&tag=%26",
        "body": '{"name":"new"}',
        "state": {"user": "ada"},
    }


@pytest.mark.parametrize("kind", CHANGES)
def test_parts_can_be_replaced_as_a_whole(app, kind):
    @getattr(app, kind)
    def change(request):
        request["headers"] = {**request["headers"], "x-tenant": "hook"}
        request.cookies = {"session": "new"}
        request["query_params"] = {"tag": "q"}
        request.path_params = {"number": "8"}
        return request

    answer = ask(app, "/items/1?tag=a&tag=b")
    assert (answer["tenant"], answer["session"], answer["tag"], answer["number"]) == ("hook", "new", ["q"], 8)


@pytest.mark.parametrize("kind", CHANGES)
def test_what_a_hook_makes_wrong_is_refused(app, kind):
    @getattr(app, kind)
    async def change(request):
        request.path_params["number"] = "x"
        request.set_body('{"name": "a"}')
        return request

    assert [error["loc"] for error in ask(app)["errors"]] == [["path", "number"], ["body", "name"]]


@pytest.mark.parametrize(
    ("body", "content_type", "name"),
    [
        ({"name": "json"}, None, "json"),
        (b'{"name": "bytes"}', None, "bytes"),
        (bytearray(b"name=form"), "application/x-www-form-urlencoded", "form"),
        ('{"name": "tëxt"}', "application/json", "tëxt"),
        (Item("struct"), None, "struct"),
    ],
)
def test_a_body_that_was_replaced_is_decoded_anew(app, body, content_type, name):
    @app.pre_validation
    async def change(request):
        request.set_body(body)
        if content_type:
            request.headers["content-type"] = content_type
        return request

    assert ask(app, json=None, content=b"not json", headers={"content-type": "application/json"})["name"] == name


def test_a_header_that_a_hook_takes_away_is_gone(app):
    @app.on_request
    def change(request):
        del request.headers["x-tenant"]
        request.cookies.clear()
        return request

    answer = ask(app, headers={"x-tenant": "t"}, cookies={"session": "s"})
    assert (answer["tenant"], answer["session"]) == ("none", "none")


def test_later_hooks_see_what_earlier_ones_changed(app):
    @app.on_request
    def first(request):
        assert request.cookies == {}
        request.headers["cookie"] = "session=a"
        request.query_params["tag"] = "a"
        return request

    @app.pre_handler
    def second(request):
        return Response([request.cookies, request.query_items, request.headers["cookie"], request.query_string])

    assert ask(app) == [{"session": "a"}, [["tag", "a"]], "session=a", "tag=a"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda request: request.path_params.update(number=7), "path parameter 'number' is 7, expected a str"),
        (lambda request: request.cookies.update(a="b;c=d"), 'cookie "a" is "b;c=d", expected text without `;`'),
        (lambda request: request.headers.update(a="b\r\nc: d"), "expected latin-1 without control characters"),
        (lambda request: request.__setitem__("path", "/"), "path of a request cannot be changed"),
        (lambda request: request.__setitem__("user", "ada"), "belongs in request.state"),
    ],
)
def test_what_cannot_be_a_request_is_an_error_of_the_hook(app, change, text, caplog):
    @app.on_request
    def wrong(request):
        change(request)
        return request

    assert ask(app)["status"] == 500
    assert text in caplog.text


@pytest.mark.parametrize("is_async", [True, False])
def test_context_variables_of_hooks_reach_the_handler(is_async):
    app, tenant = Spikard(), contextvars.ContextVar("tenant", default="none")

    @app.on_request
    async def set_tenant(request):
        await asyncio.sleep(0)
        tenant.set(request.query_params["tenant"])
        return request

    async def read_async() -> str:
        return tenant.get()

    def read() -> str:
        return tenant.get()

    app.get("/")(read_async if is_async else read)
    client = TestClient(app)
    assert [client.get(f"/?tenant={name}").text for name in "ab"] == ["a", "b"]


def test_a_hook_sees_the_claims_of_the_token_and_the_name_of_the_key():
    app = Spikard()

    @app.on_request
    async def who(request):
        return Response([request.claims and request.claims["sub"], request.consumer])

    app.get("/token", jwt_auth={"secret": SECRET})(lambda: None)
    app.get("/key", api_key_auth={"keys": {"mobile": "k" * 32}})(lambda: None)
    client = TestClient(app)
    token = bearer(SECRET, sub="ada", exp=int(time.time()) + 60)
    assert client.get("/token", headers=token).json() == ["ada", None]
    assert client.get("/token").status_code == 401
    assert client.get("/key", headers={"x-api-key": "k" * 32}).json() == [None, "mobile"]


@pytest.mark.parametrize("asks", ["on_request", "pre_handler", "nobody"])
@pytest.mark.parametrize("changes", ["pre_validation", "pre_handler"])
def test_a_form_with_files_is_there_for_hooks_and_handler(asks, changes):
    app, seen = Spikard(), []

    async def look(request):
        form = await request.form()
        seen.append((form["name"], form["file"].filename, form["file"].read()))
        return request

    def change(request):
        request.headers["x-by"] = "hook"
        return request

    if asks != "nobody":
        getattr(app, asks)(look)
    getattr(app, changes)(change)

    @app.post("/", file_params={"file": {"max_size": 100}})
    async def upload(
        name: Annotated[str, Form()], file: Annotated[UploadFile, File()], x_by: Annotated[str, Header()] = "client"
    ) -> Any:
        return [name, file.filename, file.size, file.read().decode(), x_by]

    client = TestClient(app)
    answer = client.post("/", data={"name": "ada"}, files={"file": ("a.txt", b"content")})
    assert answer.json() == ["ada", "a.txt", 7, "content", "hook"]
    assert seen == ([] if asks == "nobody" else [("ada", "a.txt", b"content")])
    assert client.post("/", data={"name": "ada"}, files={"file": ("a.txt", b"x" * 101)}).status_code == 413


def test_a_handler_without_a_body_does_not_judge_it():
    app = Spikard()
    app.on_request(lambda request: request)
    app.post("/")(lambda: "fine")

    @app.post("/bytes")
    async def raw(data: Annotated[bytes, Body()]) -> int:
        return len(data)

    client = TestClient(app)
    assert client.post("/", content=b"{", headers={"content-type": "text/plain"}).text == "fine"
    assert client.post("/bytes", content=b"\xff" * 9).json() == 9

"""Hooks that do nothing change no byte of an answer."""

import dataclasses
import enum
from collections.abc import AsyncIterator
from typing import Annotated, Any, NamedTuple

import msgspec
import pydantic
import pytest

from spikard import (
    Body,
    Cookie,
    File,
    FileResponse,
    Form,
    Header,
    HTTPException,
    JSONResponse,
    RedirectResponse,
    Request,
    Response,
    Router,
    Spikard,
    StreamingResponse,
    TestClient,
    UploadFile,
)


class Point(NamedTuple):
    x: int


class Color(str, enum.Enum):
    RED = "red"


class Item(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(pattern="^[a-z]+$")]
    size: int = 0


@dataclasses.dataclass
class Plain:
    name: str
    price: float = 1.0


class Model(pydantic.BaseModel):
    name: str = pydantic.Field(min_length=2)


class Tagged(Exception):
    pass


VALUES: list[Any] = [
    "é",
    Color.RED,
    b"\0",
    bytearray(b"a"),
    None,
    5,
    [1, None],
    {"a": 1, "b": [1.5, True]},
    Point(1),
    Item("a"),
    Plain("a"),
    Model(name="ab"),
    Response(),
    Response("é", 201, {"x-a": "b"}, "text/csv"),
    Response({"a": Item("a")}),
    JSONResponse("a"),
    RedirectResponse("/values/0"),
    FileResponse(__file__),
    FileResponse("/does/not/exist"),
    {"value": object()},
]
MULTIPART = (
    b'--x\r\ncontent-disposition: form-data; name="name"\r\n\r\nada\r\n'
    b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n\0\r\n\r\n--x--\r\n'
)
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    *(("GET", f"/{kind}/{number}", {}) for kind in ("async", "sync", "inline") for number in range(len(VALUES))),
    ("HEAD", "/async/7", {}),
    ("GET", "/async/17", {"headers": {"range": "bytes=0-9"}}),
    ("GET", "/stream", {}),
    ("GET", "/events", {}),
    *(("GET", f"/raise/{kind}", {}) for kind in ("error", "409", "handled", "handled-late", "cancelled")),
    *(
        ("POST", f"/bodies/{kind}", options)
        for kind in ("struct", "model", "dataclass", "dict", "bytes", "raw", "form", "fields")
        for options in (
            {"json": {"name": "ada"}},
            {"json": {"name": "A", "size": "x"}},
            {"json": {"name": 1}},
            {"json": []},
            {"content": b"{"},
            {"content": b'{"name": "a", "name": "b"}'},
            {"content": b""},
            {"content": b"[" * 200 + b"]" * 200},
            {"content": b'{"name": "' + b"a" * 100_000 + b'"}'},
            {"content": b"{}", "headers": {"content-type": "text/plain"}},
            {"content": b"{}", "headers": {"content-type": "application/json; charset=utf-16"}},
            {"content": b"{}", "headers": {"content-type": "multipart/form-data"}},
            {"content": b"{}", "headers": {"content-encoding": "gzip"}},
            {"data": {"name": "ada", "size": "3"}},
            {"data": {"name": "ada"}, "headers": {"sec-fetch-site": "cross-site"}},
            {"content": MULTIPART, "headers": {"content-type": "multipart/form-data; boundary=x"}},
        )
    ),
    ("GET", "/parameters/1?q=a&tag=1&tag=2", {"headers": {"x-token": "t"}, "cookies": {"session": "s"}}),
    ("GET", "/parameters/x?tag=a&flag=maybe", {}),
    ("GET", "/converted/x", {}),
    ("GET", "/request?a=1", {}),
    ("OPTIONS", "/async/1", {}),
    ("GET", "/nowhere", {}),
]


def routes() -> Router:
    router = Router()

    async def value(number: int) -> Any:
        return VALUES[number]

    def value_sync(number: int) -> Any:
        return VALUES[number]

    router.get("/async/{number}")(value)
    router.get("/sync/{number}")(value_sync)
    router.get("/inline/{number}", sync_to_thread=False)(value_sync)

    @router.get("/stream")
    async def stream() -> Response:
        return StreamingResponse(["é", b"\0"], headers={"x-a": "b"})

    @router.sse("/events")
    async def events() -> AsyncIterator[dict[str, int]]:
        yield {"a": 1}

    @router.get("/raise/{kind}")
    async def raises(kind: str) -> None:
        import asyncio

        if kind.startswith("handled"):
            raise Tagged(kind)
        if kind == "cancelled":
            raise asyncio.CancelledError
        raise HTTPException(int(kind), "taken", headers={"x-by": "ada"}) if kind.isdigit() else RuntimeError(kind)

    @router.post("/bodies/struct")
    async def struct(item: Item) -> Item:
        return item

    @router.post("/bodies/model")
    async def model(item: Model) -> Model:
        return item

    @router.post("/bodies/dataclass")
    def dataclass(item: Plain) -> Plain:
        return item

    @router.post("/bodies/dict")
    async def untyped(body: dict[str, Any]) -> dict[str, Any]:
        return {name: value if isinstance(value, (str, int)) else repr(value) for name, value in body.items()}

    @router.post("/bodies/bytes")
    async def raw(data: Annotated[bytes, Body()]) -> bytes:
        return data

    @router.post("/bodies/raw")
    def parts(body: Any, headers: dict[str, str], method: str) -> Any:
        return [repr(body)[:20], headers.get("content-type", "")[:20], method]

    @router.post("/bodies/form")
    async def form(name: Annotated[str, Form()], file: Annotated[UploadFile | None, File()] = None) -> Any:
        return {"name": name, "file": file and repr(file)}

    @router.post("/bodies/fields")
    async def fields(name: str, size: int = 0) -> Any:
        return {"name": name, "size": size}

    @router.get("/parameters/{number}")
    async def parameters(
        number: int,
        q: str,
        tag: list[int],
        x_token: Annotated[str, Header()],
        session: Annotated[str, Cookie()],
        *,
        flag: bool = False,
    ) -> Any:
        return [number, q, tag, x_token, session, flag]

    @router.get("/converted/{number:int}")
    async def converted() -> None: ...

    @router.get("/request")
    async def request(request: Request) -> Any:
        return [request.method, request.query_params, request.client, request.route, (await request.body()).decode()]

    return router


def application() -> Spikard:
    app = Spikard()
    app.include_router(routes())

    @app.exception_handler(Tagged)
    def handled(error: Tagged) -> Any:
        if str(error) == "handled-late":
            raise RuntimeError("in the exception handler")
        return {"handled": str(error)}

    return app


def hooked(*, is_async: bool) -> Spikard:
    app = application()
    for kind in ("on_request", "pre_validation", "pre_handler", "on_response", "on_error"):

        async def passes(value: Any) -> Any:
            return value

        getattr(app, kind)(passes if is_async else lambda value: value)
    return app


@pytest.fixture(scope="module", params=["async", "sync", "one"])
def clients(request):
    app = hooked(is_async=request.param == "async")
    if request.param == "one":
        app = application()
        app.on_request(lambda request: request)
    headers = {"x-request-id": "fixed"}
    return TestClient(application(), headers=headers), TestClient(app, headers=headers)


@pytest.mark.parametrize(("method", "target", "options"), REQUESTS)
def test_the_answer_is_the_same(clients, method, target, options):
    plain, hooked = (client.request(method, target, **options) for client in clients)
    assert hooked.status_code == plain.status_code
    assert hooked.headers.lines() == plain.headers.lines()
    assert hooked.content == plain.content

"""An application with a route for every type that a handler may take or give, in every place where it may stand.

Each route gives back what it took, so the answers have the type that is described. Run as a program, it serves.
"""

# ruff: noqa: UP045  # every spelling is a case

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Optional
from uuid import UUID

from differential import types
from msgspec import Meta, Struct

from spikard import (
    ApiKeyConfig,
    Body,
    Cookie,
    FileResponse,
    Form,
    Header,
    HTMLResponse,
    LicenseInfo,
    OpenApiConfig,
    Path,
    Query,
    RedirectResponse,
    Response,
    Router,
    ServerConfig,
    Spikard,
    StreamingResponse,
    UploadFile,
    WebSocket,
)

KEY = "a key of the synthetic application"

openapi = OpenApiConfig(
    enabled=True,
    title="Everything",
    description="Every type in every place.",
    license=LicenseInfo("MIT", url="https://opensource.org/license/mit"),
)
app = Spikard(ServerConfig(openapi=openapi))


class Size(Enum):
    """Texts to choose from."""

    SMALL = "s"
    LARGE = "l"


class Flat(Struct):
    """What a form can hold."""

    text: Annotated[str, Meta(min_length=1, max_length=9)]
    number: Annotated[int, Meta(ge=0, le=99)] = 7
    flag: bool = False
    size: Size = Size.SMALL


VALUES: dict[str, Any] = {
    "text": str,
    "short": Annotated[str, Meta(min_length=2, max_length=5)],
    "pattern": Annotated[str, Meta(pattern="^[a-c]{1,4}$")],
    "whole": int,
    "bounded": Annotated[int, Meta(ge=-5, lt=5)],
    "multiple": Annotated[int, Meta(multiple_of=3)],
    "number": float,
    "range": Annotated[float, Meta(gt=0.5, le=2.5)],
    "flag": bool,
    "date": date,
    "datetime": datetime,
    "time": time,
    "duration": timedelta,
    "uuid": UUID,
    "decimal": Decimal,
    "enum": Size,
    "level": types.Level,
    "literal": Literal["p", "q"],
    "literals": Literal[1, 2, 3],
}
"""What a parameter may be."""

LIST: Any = list
"""For types that are made while the program runs."""
CONVERTERS: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "uuid": UUID,
    "date": date,
    "datetime": datetime,
}
MARKERS: dict[str, Callable[..., Any]] = {"query": Query, "header": Header, "cookie": Cookie}


def add(router: Router | Spikard, method: str, path: str, returned: Any, **arguments: Any) -> None:
    """A route that gives back what it took: its one argument, or all of them by name."""

    async def echo(**given: Any) -> Any:
        """Gives back what it took."""
        return next(iter(given.values())) if len(given) == 1 else given

    echo.__annotations__ = {**arguments, "return": returned}
    echo.__signature__ = _signature(arguments, returned)  # type: ignore[attr-defined]
    getattr(router, method)(path)(echo)


def _signature(arguments: dict[str, Any], returned: Any) -> Any:
    from inspect import Parameter, Signature

    keyword = Parameter.KEYWORD_ONLY
    return Signature(
        [Parameter(name, keyword, annotation=kind) for name, kind in arguments.items()], return_annotation=returned
    )


bodies = Router(prefix="/bodies", tags=["bodies"])
for name, kind in types.TYPES.items():
    add(bodies, "post", f"/{name}", kind, body=Annotated[kind, Body()])
    add(bodies, "put", f"/{name}", LIST[kind], body=Annotated[LIST[kind], Body()])
    add(bodies, "patch", f"/{name}/fields", dict[str, Any], one=kind, other=list[int])
app.include_router(bodies)

parameters = Router(prefix="/parameters", tags=["parameters"])
for name, kind in VALUES.items():
    for place, marker in MARKERS.items():
        add(parameters, "get", f"/{place}/{name}", kind, value=Annotated[kind, marker()])
        add(parameters, "get", f"/{place}/{name}/optional", Optional[kind], value=Annotated[kind, marker(default=None)])
    add(parameters, "get", f"/path/{name}/{{value}}", kind, value=Annotated[kind, Path()])
    add(parameters, "get", f"/list/{name}", LIST[kind], value=Annotated[LIST[kind], Query()])
app.include_router(parameters)

paths = Router(prefix="/paths", tags=["paths"])
for converter, kind in CONVERTERS.items():
    add(paths, "get", f"/{converter}/{{value:{converter}}}", kind, value=Annotated[kind, Path()])
app.include_router(paths)

forms = Router(prefix="/forms", tags=["forms"])
add(forms, "post", "/flat", Flat, form=Form[Flat])
add(forms, "post", "/fields", dict[str, Any], text=Form[str], size=Annotated[int, Form(ge=1, le=9)])


@forms.post("/file")
async def take_file(file: UploadFile, note: str = Form("")) -> int:
    """Says how long a file is."""
    return len(file.read()) + len(note)


@forms.post("/files", file_params={"files": {"type": "array", "max_count": 3, "max_size": "1KiB"}})
async def take_files(files: list[UploadFile]) -> list[int]:
    """Says how long files are."""
    return [len(file.read()) for file in files]


@forms.post("/bytes")
async def take_bytes(body: Annotated[bytes, Body()]) -> bytes:
    """Gives back the bytes."""
    return body


app.include_router(forms)

answers = Router(prefix="/answers", tags=["answers"], api_key_auth=ApiKeyConfig(keys={"tests": KEY}))


@answers.get("/text", deprecated=True)
async def text() -> str:
    """A text."""
    return "text"


@answers.get("/nothing", responses={204: None})
async def nothing() -> Response:
    """Nothing."""
    return Response(status_code=204)


@answers.get("/page")
async def page() -> HTMLResponse:
    """A page."""
    return HTMLResponse("<p>page")


@answers.get("/stream")
async def stream() -> StreamingResponse:
    """Bytes as they are made."""

    def pieces() -> Iterator[bytes]:
        yield b"a"
        yield b"b"

    return StreamingResponse(pieces())


@answers.get("/file")
async def file() -> FileResponse:
    """A file."""
    return FileResponse(__file__)


@answers.get("/redirect")
async def redirect() -> RedirectResponse:
    """Elsewhere."""
    return RedirectResponse("/answers/text")


@answers.get("/events")
async def no_events(times: Annotated[int, Query(ge=0, le=3)] = 1) -> list[int]:
    """As many numbers as are asked for."""
    return list(range(times))


@answers.get("/created", operation_id="createIt", responses={201: types.Tree, 409: {"description": "There is one"}})
async def created() -> Response:
    """A tree."""
    return Response(types.Tree(1), status_code=201)


@answers.sse("/feed")
async def feed() -> AsyncIterator[str]:
    """A few events."""
    yield "one"
    yield "two"


app.include_router(answers)


@app.websocket("/socket/{room}", tags=["sockets"])
async def socket(socket: WebSocket, room: str) -> None:
    """Says everything again."""
    await socket.accept()
    async for message in socket.iter_text():
        await socket.send_text(f"{room}: {message}")


if __name__ == "__main__":
    app.run()
